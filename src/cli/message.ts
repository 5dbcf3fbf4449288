import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import {
  GetMessageRequestSchema,
  type GetMessageResponse,
  GetMessageResponseSchema,
  MessageState,
  MessageStateSchema,
} from "../../gen/infobip/events/v1/history_pb.js";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { enumName } from "./enum-names.ts";
import { eventHeading } from "./event-text.ts";
import { EXIT } from "./exit-codes.ts";
import { countOption } from "./option-values.ts";
import type { Output } from "./output.ts";
import { printEvent } from "./print-event.ts";
import type { Paint, Style } from "./style.ts";
import { printable } from "./table.ts";
import { addTargetOptions, type TargetOptions } from "./target.ts";
import { connect } from "./target-access.ts";

/** Events of the timeline that are shown when --max is not given. */
const DEFAULT_MAX_EVENTS = 100;
/** Most events of one call. */
const PAGE_SIZE = 1000;
/** Longest wait for one page, in milliseconds. */
const PAGE_TIMEOUT_MS = 30_000;

const GOOD: ReadonlySet<MessageState> = new Set([MessageState.DELIVERED, MessageState.SEEN]);
const BAD: ReadonlySet<MessageState> = new Set([
  MessageState.UNDELIVERABLE,
  MessageState.EXPIRED,
  MessageState.REJECTED,
]);

interface MessageOptions extends TargetOptions {
  readonly max: number;
  readonly raw?: boolean;
}

/** Adds `message`. */
export function addMessageCommand(program: Command, run: Runner): void {
  addTargetOptions(program.command("message"))
    .description("Show where one message stands, and everything that is known of it.")
    .argument("<id>", "id of the message, as send prints it and reports carry it")
    .option("--max <count>", "most events to show", countOption, DEFAULT_MAX_EVENTS)
    .option("--raw", "with each event the webhook item as Infobip sent it")
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc message 0197f1c0-6f7a-7cc3-98a1-0a3f5b0c2d11",
        "infobip-rpc message order-7 --json | head -1 | jq -r .state",
      ),
    )
    .action(run(showMessage));
}

const showMessage: CommandBody<MessageOptions> = async ({ context, output }, options, [messageId = ""]) => {
  using client = await connect(context, options);
  let left = options.max;
  for (let pageToken = ""; !context.signal.aborted; ) {
    const isFirst = pageToken === "";
    const page = await client.unary(
      EventsService.method.getMessage,
      create(GetMessageRequestSchema, {
        messageId,
        pageSize: Math.min(PAGE_SIZE, left),
        pageToken,
        includeRawBody: options.raw,
      }),
      { signal: context.signal, timeoutMs: PAGE_TIMEOUT_MS },
    );
    if (isFirst) await printStanding(output, page);
    for (const event of page.timeline) await printEvent(output, event, "date");
    left -= page.timeline.length;
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
    if (left > 0) continue;
    await output.note("there are more events; give a larger --max");
    break;
  }
  return EXIT.ok;
};

/** With --json the first line says where the message stands, and the timeline follows, a line for each event. */
async function printStanding(output: Output, page: GetMessageResponse): Promise<void> {
  if (output.json) {
    const standing = create(GetMessageResponseSchema, { ...page, timeline: [], nextPageToken: "" });
    return output.jsonLine(toJson(GetMessageResponseSchema, standing));
  }
  const { style } = output;
  const state =
    page.state === MessageState.UNSPECIFIED ? "no status" : enumName(MessageStateSchema, page.state);
  const final = page.final ? `, ${style.bold("final")}` : "";
  await output.line(`${printable(page.messageId)}: ${paintOf(page.state, style)(state)}${final}`);
  await output.line();
  await output.line(eventHeading(style, "date"));
}

function paintOf(state: MessageState, style: Style): Paint {
  if (GOOD.has(state)) return style.good;
  return BAD.has(state) ? style.bad : style.warn;
}
