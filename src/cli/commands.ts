import type { AddCommand } from "./command.ts";
import { addConfigCommand } from "./config.ts";
import { addDemoCommand } from "./demo.ts";
import { addEventsCommand } from "./events.ts";
import { addHealthCommand } from "./health.ts";
import { addLogCommand } from "./log.ts";
import { addMessageCommand } from "./message.ts";
import { addSendCommand } from "./send.ts";
import { addServeCommand } from "./serve.ts";
import { addSimulateCommand } from "./simulate.ts";
import { addSubmissionCommand } from "./submission.ts";
import { addSubmitCommand } from "./submit.ts";
import { addTokenCommand } from "./token.ts";
import { addTranslateCommand } from "./translate.ts";
import { addWatchCommand } from "./watch.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly AddCommand[] = [
  addDemoCommand,
  addServeCommand,
  addHealthCommand,
  addSimulateCommand,
  addSendCommand,
  addSubmitCommand,
  addSubmissionCommand,
  addWatchCommand,
  addMessageCommand,
  addEventsCommand,
  addTranslateCommand,
  addConfigCommand,
  addTokenCommand,
  addLogCommand,
];
