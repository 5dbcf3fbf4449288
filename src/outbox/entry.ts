import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { NewEvent } from "../eventlog/event-log.ts";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import type { TraceContext } from "../rpc/trace-context.ts";
import { messageIdsOf, requestOf, traceOf } from "./stored-request.ts";
import { faceOf, type SubmissionFace } from "./submission-event.ts";

/** Where a submission in memory stands. */
export type Phase =
  /** Somebody decides about it; it does not wait for its turn. */
  | "HELD"
  /** Waits for its turn. */
  | "READY"
  /** Handed over for sending; nothing leaves before its SENDING is durable. */
  | "HANDED"
  /** SENDING is being made durable. */
  | "STARTING"
  /** The request leaves or has left. */
  | "SENDING"
  /** What becomes of it is decided and is being made durable. */
  | "SETTLING";

/** What was decided about a submission. */
export interface Settlement {
  readonly next: SubmissionRecord;
  readonly event: NewEvent | undefined;
  /** The last attempt to store it. */
  trying: Promise<void>;
}

/** A submission in memory. Nobody else changes its record while it is there. */
export class Entry {
  /** As it is stored, as far as is known. */
  record: SubmissionRecord;
  /** Given to the log as SENDING, and it is not known whether the log has it: nothing has left by it. */
  unconfirmed: SubmissionRecord | undefined;
  phase: Phase = "HELD";
  /** Ends the send. */
  abort: AbortController | undefined;
  /** The commit of SENDING; never rejects. */
  starting: Promise<void> | undefined;
  settlement: Settlement | undefined;
  /** Its end tells whether sending works again. */
  isProbe = false;
  /** Gives its place among those that are being sent back. */
  release: (() => void) | undefined;
  /** Place in the order of sending. */
  order = 0;
  #request: SendMessagesRequest | undefined;
  #face: SubmissionFace | undefined;
  #trace: TraceContext | null | undefined;

  constructor(record: SubmissionRecord, request?: SendMessagesRequest) {
    this.record = record;
    this.#request = request;
  }

  get bytes(): number {
    return this.record.request.length;
  }

  /** What is to be sent. Throws when it cannot be read. */
  get request(): SendMessagesRequest {
    this.#request ??= requestOf(this.record.request);
    if (this.#request === undefined) throw new Error("a stored submission has lost its request");
    return this.#request;
  }

  /** Where the submitting call stood in a trace; undefined when it was in none. */
  get trace(): TraceContext | undefined {
    if (this.#trace === undefined) this.#trace = readTrace(this.record.request) ?? null;
    return this.#trace ?? undefined;
  }

  /** What its events have in common. */
  get face(): SubmissionFace {
    this.#face ??= this.#findFace();
    return this.#face;
  }

  #findFace(): SubmissionFace {
    const traceParent = this.trace?.traceparent;
    if (this.record.destinations !== 1) return faceOf(undefined, [], traceParent);
    try {
      return faceOf(this.request, messageIdsOf(this.record.request), traceParent);
    } catch {
      // An event without the message's fields is better than a submission that cannot end.
      return faceOf(undefined, [], traceParent);
    }
  }
}

function readTrace(stored: Uint8Array): TraceContext | undefined {
  try {
    return traceOf(stored);
  } catch {
    return undefined;
  }
}
