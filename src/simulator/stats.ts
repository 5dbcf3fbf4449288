import type { EndpointName } from "./fault.ts";
import type { MessageIdCounts } from "./ledger.ts";
import type { SimulatorState } from "./state.ts";
import type { WebhookCounts } from "./webhook-sender.ts";

/** Counters since the start or the last reset. */
export interface SimulatorStats {
  /** Requests by endpoint, whatever was answered. */
  readonly requests: Readonly<Record<EndpointName, number>>;
  /** Answers by status; under 0 the requests that a hang or a reset left unanswered. */
  readonly responses: Readonly<Record<string, number>>;
  readonly messages: MessageIdCounts;
  /** Destinations of accepted outbound events. */
  readonly eventsAccepted: number;
  readonly webhooks: Readonly<WebhookCounts>;
  /** Callbacks planned, under way or waiting for a retry. */
  readonly outstanding: number;
  /** Reports that wait to be fetched. */
  readonly pendingReports: number;
  /** Inbound messages that wait to be fetched. */
  readonly pendingInbound: number;
  /** Fault rules in force. */
  readonly faults: number;
}

/** Reads all counters of a simulator. */
export function statsOf(state: SimulatorState): SimulatorStats {
  return {
    requests: state.journal.counts,
    responses: Object.fromEntries(state.responses),
    messages: state.ledger.totals,
    eventsAccepted: state.eventsAccepted,
    webhooks: state.sender.counts,
    outstanding: state.outstanding.count,
    pendingReports: state.reports.size,
    pendingInbound: state.inbound.size,
    faults: state.faults.list().length,
  };
}
