import { toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { eventLine, type TimeFormat } from "./event-text.ts";
import type { Output } from "./output.ts";
import { printable } from "./table.ts";

/** Prints one event: a JSON line, or a line for people with the webhook item below where there is one. */
export async function printEvent(output: Output, event: Event, time?: TimeFormat): Promise<void> {
  if (output.json) return output.jsonLine(toJson(EventSchema, event));
  await output.line(eventLine(event, output.style, time));
  if (event.rawBody !== undefined && event.rawBody.length > 0) {
    await output.line(output.style.dim(`  ${printable(Buffer.from(event.rawBody).toString("utf8"))}`));
  }
}
