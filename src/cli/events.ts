import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { ListEventsRequestSchema } from "../../gen/infobip/events/v1/history_pb.js";
import { usageError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { eventHeading } from "./event-text.ts";
import { EXIT } from "./exit-codes.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./filter-options.ts";
import { countOption } from "./option-values.ts";
import { printEvent } from "./print-event.ts";
import { addTargetOptions, type TargetOptions } from "./target.ts";
import { connect } from "./target-access.ts";
import { parseFrom } from "./watch-request.ts";

/** Events asked for in one call; as many as a call gives. */
const PAGE_SIZE = 1000;
/** Longest wait for one page, in milliseconds. */
const PAGE_TIMEOUT_MS = 30_000;

interface EventsOptions extends FilterOptions, TargetOptions {
  readonly from: string;
  readonly until?: Timestamp;
  readonly max?: number;
  readonly raw?: boolean;
}

/** Adds `events`. */
export function addEventsCommand(program: Command, run: Runner): void {
  const command = addTargetOptions(program.command("events"))
    .description("List the events that are kept, oldest first; `watch` then goes on with what comes.")
    .option("--from <position>", "earliest, a time such as 2026-05-04T09:30:00Z, or a cursor", "earliest")
    .option("--until <time>", "only events stored before this time", timeOption);
  addFilterOptions(command)
    .option("--raw", "with each event the webhook item as Infobip sent it")
    .option("--max <count>", "stop after this many events", countOption)
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        "infobip-rpc events --max 20",
        "infobip-rpc events --from 2026-05-04 --until 2026-05-05 --type click --json | jq .click.url",
        "infobip-rpc events --destination 41790000001 --raw",
      ),
    )
    .action(run(listEvents));
}

const listEvents: CommandBody<EventsOptions> = async ({ context, output }, options) => {
  using client = await connect(context, options);
  const request = requestOf(options);
  let left = options.max ?? Number.POSITIVE_INFINITY;
  if (!output.json) await output.line(eventHeading(output.style, "date"));
  for (let pageToken = ""; !context.signal.aborted; ) {
    const page = await client.unary(
      EventsService.method.listEvents,
      create(ListEventsRequestSchema, { ...request, pageSize: Math.min(PAGE_SIZE, left), pageToken }),
      { signal: context.signal, timeoutMs: PAGE_TIMEOUT_MS },
    );
    for (const event of page.events) await printEvent(output, event, "date");
    left -= page.events.length;
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
    if (left > 0) continue;
    await output.note(`there may be more; go on with --from ${page.cursor}`);
    break;
  }
  return EXIT.ok;
};

function requestOf(options: EventsOptions): MessageInitShape<typeof ListEventsRequestSchema> {
  return {
    ...startOf(options.from),
    ...(options.until === undefined ? {} : { endTime: options.until }),
    filter: filterOf(options),
    ...(options.raw === undefined ? {} : { includeRawBody: options.raw }),
  };
}

function startOf(text: string): Pick<MessageInitShape<typeof ListEventsRequestSchema>, "from"> {
  const from = parseFrom(text);
  if (from.case === "cursor") return { from: { case: "cursor", value: from.value } };
  if (from.case === "startTime") return { from: { case: "startTime", value: from.value } };
  if (text === "earliest") return {};
  throw usageError("--from latest lists nothing; use watch for what comes, or give a time");
}

function timeOption(text: string): Timestamp {
  const from = parseFrom(text);
  if (from.case === "startTime") return timestampFromDate(new Date(text));
  throw new InvalidArgumentError("Give a time such as 2026-05-04T09:30:00Z, or a date.");
}
