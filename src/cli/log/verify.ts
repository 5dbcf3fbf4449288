import { EventLogOpenError } from "../../eventlog/embedded/open-failure.ts";
import { ReadOnlyLog } from "../../eventlog/embedded/read-only-log.ts";
import {
  NOTHING_VERIFIED,
  type VerifyReport,
  type VerifyStep,
  verifyLog,
} from "../../eventlog/embedded/verify/verify-log.ts";
import type { CommandBody, Session } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { alignTable, printable } from "../table.ts";
import { dataDirectory } from "./data-directory.ts";
import { ProgressLine } from "./progress-line.ts";

/** Flags of `log verify`. */
export interface VerifyCommandOptions extends Readonly<Record<string, unknown>> {
  readonly marks?: boolean;
}

const STEP_TEXTS: Readonly<Record<VerifyStep, string>> = {
  PAGES: "checking the file",
  EVENTS: "checking events",
  DEAD_LETTERS: "checking dead letters",
  SENDING: "checking answers and submissions",
};

/** Body of `log verify`. */
export const verify: CommandBody<VerifyCommandOptions> = async (session, options) => {
  const report = await reportOn(
    session,
    await dataDirectory(session.context, options),
    options.marks === true,
  );
  const isSound = report.isComplete && report.findings.length === 0;
  if (session.output.json) await session.output.jsonLine(toJson(report, isSound));
  else await print(session, report, isSound);
  return isSound ? EXIT.ok : EXIT.failure;
};

/** A file that cannot even be opened because it is damaged is a finding like any other. */
async function reportOn(session: Session, directory: string, checkMarks: boolean): Promise<VerifyReport> {
  const { context, output } = session;
  try {
    using file = ReadOnlyLog.open(directory);
    using progress = new ProgressLine(context, output.json);
    return await verifyLog(file, {
      checkMarks,
      signal: context.signal,
      onProgress: (step, done, total) => progress.show(`${STEP_TEXTS[step]} ${share(step, done, total)}`),
    });
  } catch (error) {
    if (!(error instanceof EventLogOpenError) || error.reason !== "CORRUPT") throw error;
    const findings = [{ where: "file", problem: error.message }];
    return { ...NOTHING_VERIFIED, findings, findingsLeftOut: 0, isComplete: false };
  }
}

function share(step: VerifyStep, done: number, total: number): string {
  if (step === "PAGES" || step === "SENDING") return "";
  return `${done} of ${total}`;
}

function toJson(report: VerifyReport, isSound: boolean): Record<string, unknown> {
  return {
    sound: isSound,
    complete: report.isComplete,
    events: report.events,
    subscriptions: report.subscriptions,
    dead_letters: report.deadLetters,
    answers: report.answers,
    submissions: report.submissions,
    findings: report.findings,
    findings_left_out: report.findingsLeftOut,
  };
}

async function print({ output }: Session, report: VerifyReport, isSound: boolean): Promise<void> {
  const { good, bad, bold, warn } = output.style;
  const { findings, findingsLeftOut } = report;
  const counts =
    `${report.events} events, ${report.subscriptions} subscriptions, ${report.deadLetters} dead letters, ` +
    `${report.answers} answers, ${report.submissions} submissions`;
  if (isSound) return output.line(`${good("sound")} ${counts}`);
  const verdict = findings.length > 0 ? bad("damaged") : warn("unknown");
  await output.line(`${verdict} ${counts}${report.isComplete ? "" : "; not everything was looked at"}`);
  const rows = findings.map(({ where, problem }) => [`  ${bold(printable(where))}`, printable(problem)]);
  for (const line of alignTable(rows)) await output.line(line);
  if (findingsLeftOut > 0) await output.line(`  and ${findingsLeftOut} more`);
}
