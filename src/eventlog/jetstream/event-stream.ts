import type { NatsLink } from "../../nats/nats-link.ts";
import type { StreamLayout, StreamState } from "../../nats/stream-layout.ts";
import { ensureStream } from "../../nats/streams.ts";
import { StartError } from "../../start-error.ts";
import type { RetentionLimits } from "../event-log.ts";
import { importingLogId } from "./import/import-mark.ts";

/** Version of what the stream's messages look like. */
const FORMAT = 1;
const DESCRIPTION = /^infobip-rpc event log, format (\d{1,9}), id ([0-9a-f]{16})(?:, imported to \d{1,16})?$/;

/** What the event stream is to be. */
export interface EventStreamOptions {
  /** Begins the names of all streams of a service, such as INFOBIP_RPC. */
  readonly prefix: string;
  /** Servers that keep a copy. */
  readonly replicas: number;
  readonly retention: RetentionLimits;
  /** Time for which the server refuses repeats; as long as events are kept at most. */
  readonly dedupeWindowMs: number;
}

/** The stream that holds the event log. */
export interface EventStream {
  readonly name: string;
  /** Subject of events. */
  readonly subject: string;
  /** Subjects of parts begin with it and a dot. */
  readonly partSubject: string;
  /** 16 hex digits. */
  readonly logId: string;
  /** As it was when it was opened. */
  readonly state: StreamState;
}

/** Layout of the event stream; `logId` counts only where there is none. */
export function eventStreamLayout(options: EventStreamOptions, logId: string): StreamLayout {
  const { prefix, replicas, retention, dedupeWindowMs } = options;
  return {
    name: `${prefix}_EVENTS`,
    subjects: [`${prefix.toLowerCase()}.events.>`],
    description: `infobip-rpc event log, format ${FORMAT}, id ${logId}`,
    replicas,
    maxMessagesPerSubject: -1,
    maxAgeMs: retention.ageMs,
    maxBytes: retention.bytes,
    discard: "old",
    duplicateWindowMs: Math.min(dedupeWindowMs, retention.ageMs),
  };
}

/**
 * Opens the event stream, and creates it when there is none.
 *
 * @throws StartError when the stream belongs to something else or to another version; what {@link ensureStream} throws.
 */
export async function openEventStream(
  link: NatsLink,
  options: EventStreamOptions,
  newLogId: string,
): Promise<EventStream> {
  const layout = eventStreamLayout(options, newLogId);
  const state = await ensureStream(link, layout);
  const events = `${options.prefix.toLowerCase()}.events`;
  return {
    name: layout.name,
    subject: `${events}.event`,
    partSubject: `${events}.part`,
    logId: readLogId(layout.name, state.description),
    state,
  };
}

/** The log id in a stream's description; undefined when it is not that of an event log of this version. */
export function logIdOf(description: string): string | undefined {
  const [, format, logId] = DESCRIPTION.exec(description) ?? [];
  return Number(format) === FORMAT ? logId : undefined;
}

/** A part of a log would look like a log whose events have been lost. */
function importing(name: string): StartError {
  return new StartError(
    "EVENT_STREAM_IMPORTING",
    `an import into the NATS stream ${name} has not ended; run log import with its file again, to the end, ` +
      `or remove the stream (nats stream rm ${name})`,
  );
}

function readLogId(name: string, description: string): string {
  const logId = logIdOf(description);
  if (logId !== undefined) return logId;
  if (importingLogId(description) !== undefined) throw importing(name);
  const [, format] = DESCRIPTION.exec(description) ?? [];
  const found = format === undefined ? "was not made by this service" : `has format ${format}, not ${FORMAT}`;
  throw new StartError(
    "EVENT_STREAM_FOREIGN",
    `the NATS stream ${name} ${found}, as its description says; ` +
      "set another nats.prefix, or run the version of this service that has made it",
  );
}
