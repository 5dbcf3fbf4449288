import type { Command } from "commander";
import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import type { WatchEventsResponse } from "../../gen/infobip/events/v1/events_service_pb.js";
import { CliError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner, type Session } from "./command.ts";
import { eventHeading } from "./event-text.ts";
import { EXIT } from "./exit-codes.ts";
import { addFilterOptions } from "./filter-options.ts";
import { countOption, timeFlag } from "./option-values.ts";
import { printEvent } from "./print-event.ts";
import { cursorAfter, resumingWatch } from "./resuming-watch.ts";
import { addTargetOptions, type TargetOptions } from "./target.ts";
import { connect } from "./target-access.ts";
import { parseFrom, type WatchFrom, type WatchRequestOptions, watchRequest } from "./watch-request.ts";

/** Largest cursor file, in bytes. */
const MAX_CURSOR_FILE_BYTES = 4096;

interface WatchOptions extends WatchRequestOptions, TargetOptions {
  readonly from: string;
  readonly cursorFile?: string;
  readonly max?: number;
  readonly giveUpAfter: number;
}

/** Adds `watch`. */
export function addWatchCommand(program: Command, run: Runner): void {
  const command = addTargetOptions(program.command("watch"))
    .description(
      "Print events as they come: what became of sends, delivery reports, seen reports, clicks, inbound messages.",
    )
    .option(
      "--from <position>",
      "earliest, latest, a time such as 2026-05-04T09:30:00Z, or a cursor",
      "latest",
    )
    .option(
      "--cursor-file <path>",
      "keep the position in this file, and go on from it; then --from is for the first time",
    );
  addFilterOptions(command)
    .option("--raw", "with each event the webhook item as Infobip sent it")
    .option(
      "--resume-expired",
      "when the cursor is too old, go on with the earliest event kept instead of failing",
    )
    .option("--max <count>", "stop after this many events", countOption)
    .option("--until-head", "stop at what was the last event at the start")
    .addOption(timeFlag("--give-up-after <time>", "longest time without a connection", 300_000))
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc watch --from earliest --until-head",
        "infobip-rpc watch --channel sms,whatsapp --final-only --json | jq .messageId",
        "infobip-rpc watch --cursor-file position.txt --json >> events.jsonl",
      ),
    )
    .action(run(watch));
}

const watch: CommandBody<WatchOptions> = async (session, options) => {
  const { context } = session;
  const printer = new EventPrinter(session, options);
  using client = await connect(context, options);
  const frames = resumingWatch({
    client,
    clock: context.clock,
    signal: context.signal,
    from: await startOf(session, options),
    request: (from) => watchRequest(options, from),
    giveUpAfterMs: options.giveUpAfter,
    onReconnect: (delayMs, reason) =>
      session.output.note(`connection lost (${reason}); trying again in ${delayMs} ms`),
  });
  for await (const frame of frames) {
    await printer.handle(frame);
    if (printer.isDone) break;
  }
  return EXIT.ok;
};

async function startOf({ context }: Session, options: WatchOptions): Promise<WatchFrom> {
  if (options.cursorFile === undefined) return parseFrom(options.from);
  const saved = await context.files
    .readIfThere(options.cursorFile, MAX_CURSOR_FILE_BYTES)
    .catch((error: unknown) => {
      throw new CliError("CURSOR_FILE_UNREADABLE", `cannot read ${options.cursorFile}`, {
        exitCode: EXIT.usage,
        cause: error,
      });
    });
  const cursor = saved?.trim();
  return cursor ? { case: "cursor", value: cursor } : parseFrom(options.from);
}

/** Prints frames, keeps the cursor file, and knows when enough was printed. */
class EventPrinter {
  readonly #session: Session;
  readonly #options: WatchOptions;
  #printed = 0;
  #saved: string | undefined;
  #targetCursor: string | undefined;
  #isDone = false;

  constructor(session: Session, options: WatchOptions) {
    this.#session = session;
    this.#options = options;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  async handle(message: WatchEventsResponse): Promise<void> {
    const { frame } = message;
    const { output } = this.#session;
    let cursor = cursorAfter(message);
    if (frame.case === "started") await this.#start(frame.value.headCursor);
    if (frame.case === "events") cursor = await this.#printEvents(frame.value.events);
    if (frame.case === "gap")
      await output.note("events between the cursor and the earliest event kept are gone");
    if (frame.case === "draining") await output.note("the service is about to stop");
    await this.#save(cursor);
    if (this.#options.untilHead) this.#isDone ||= this.#isAtHead(message, cursor);
  }

  async #start(headCursor: string): Promise<void> {
    if (this.#targetCursor !== undefined) return;
    this.#targetCursor = headCursor;
    const { output } = this.#session;
    if (!output.json) await output.line(eventHeading(output.style));
  }

  #isAtHead({ frame }: WatchEventsResponse, cursor: string | undefined): boolean {
    if (cursor === this.#targetCursor) return true;
    return frame.case === "progress" && frame.value.lagEvents === 0n;
  }

  /** Prints up to the maximum; gives the cursor of the last event printed. */
  async #printEvents(events: readonly Event[]): Promise<string | undefined> {
    let cursor: string | undefined;
    for (const event of events) {
      await printEvent(this.#session.output, event);
      cursor = event.cursor;
      this.#printed++;
      if (event.cursor === this.#targetCursor && this.#options.untilHead) this.#isDone = true;
      if (this.#printed === this.#options.max) this.#isDone = true;
      if (this.#isDone) break;
    }
    return cursor;
  }

  async #save(cursor: string | undefined): Promise<void> {
    const { cursorFile } = this.#options;
    if (cursorFile === undefined || !cursor || cursor === this.#saved) return;
    await this.#session.context.files.replace(cursorFile, `${cursor}\n`);
    this.#saved = cursor;
  }
}
