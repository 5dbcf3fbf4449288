import { SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { SentCall } from "../messages/send-result-event.ts";
import type { CallerMessages } from "./caller-metrics.ts";

/** Counts the destinations of one send by what became of them. */
export function countMessages(
  { results }: Pick<SentCall, "results">,
  caller: string,
  count: (messages: CallerMessages) => void,
): void {
  let sent = 0;
  let unknown = 0;
  for (const { outcome } of results) {
    if (outcome === SendOutcome.SENT) sent++;
    else if (outcome === SendOutcome.UNKNOWN) unknown++;
  }
  const notSent = results.length - sent - unknown;
  if (sent > 0) count({ caller, outcome: "SENT", count: sent });
  if (notSent > 0) count({ caller, outcome: "NOT_SENT", count: notSent });
  if (unknown > 0) count({ caller, outcome: "UNKNOWN", count: unknown });
}
