import { toJson } from "@bufbuild/protobuf";
import {
  type SendMessagesResponse,
  SendOutcome,
  SendOutcomeSchema,
  type SendResult,
  SendResultSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { enumName } from "./enum-names.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import type { Paint, Style } from "./style.ts";
import { alignTable, printable } from "./table.ts";

/** Prints one row for each destination. */
export async function printResults(output: Output, response: SendMessagesResponse): Promise<void> {
  if (output.json) {
    for (const result of response.results) {
      await output.jsonLine({ bulkId: response.bulkId, ...(toJson(SendResultSchema, result) as object) });
    }
    return;
  }
  const { bold, dim } = output.style;
  const heading = ["#", "destination", "outcome", "status", "message id"].map(bold);
  const rows = response.results.map((result) => row(result, output.style));
  for (const line of alignTable([heading, ...rows])) await output.line(line);
  if (response.bulkId !== undefined) await output.line(dim(`bulk ${printable(response.bulkId)}`));
}

/** Exit code for what became of the destinations: unknown outcomes weigh most. */
export function exitCodeOf({ results }: SendMessagesResponse): number {
  const has = (outcome: SendOutcome): boolean => results.some((result) => result.outcome === outcome);
  if (has(SendOutcome.UNKNOWN)) return EXIT.outcomeUnknown;
  return has(SendOutcome.NOT_SENT) ? EXIT.failure : EXIT.ok;
}

function row(result: SendResult, style: Style): string[] {
  const paint = outcomePaint(result.outcome, style);
  return [
    `${result.messageIndex}.${result.destinationIndex}`,
    printable(result.destination ?? ""),
    paint(enumName(SendOutcomeSchema, result.outcome)),
    printable([result.status?.name, result.status?.action].filter(Boolean).join(": ")),
    style.dim(printable(result.messageId)),
  ];
}

function outcomePaint(outcome: SendOutcome, style: Style): Paint {
  if (outcome === SendOutcome.SENT) return style.good;
  return outcome === SendOutcome.NOT_SENT ? style.bad : style.warn;
}
