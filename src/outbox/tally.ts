import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionCounts, SubmissionRecord } from "../eventlog/submission-store.ts";
import { outboxFull, outboxOverloaded } from "./outbox-errors.ts";
import type { OutboxLimits } from "./outbox-options.ts";

/** Most bytes of submissions that wait for the commit that accepts them. */
export const MAX_ARRIVING_BYTES = 64 * 1024 * 1024;

/** How much the outbox holds, and whether there is room for more. */
export class Tally {
  readonly #limits: Pick<OutboxLimits, "maxWaiting" | "maxBytes">;
  #byState = new Map<SubmissionState, number>();
  #bytes = 0;
  #arriving = 0;
  #arrivingBytes = 0;

  constructor(limits: Pick<OutboxLimits, "maxWaiting" | "maxBytes">) {
    this.#limits = limits;
  }

  get byState(): ReadonlyMap<SubmissionState, number> {
    return this.#byState;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes over what the store has counted. */
  reset({ byState, bytes }: SubmissionCounts): void {
    this.#byState = new Map(byState);
    this.#bytes = bytes;
  }

  /** Keeps room for a submission until {@link arrived}. Throws ServiceError OUTBOX_FULL or OVERLOADED when there is none. */
  reserve(bytes: number): void {
    const { maxWaiting, maxBytes } = this.#limits;
    const waiting = this.#count(SubmissionState.QUEUED) + this.#count(SubmissionState.SENDING);
    if (waiting + this.#arriving >= maxWaiting) throw outboxFull("submissions.max_waiting");
    if (this.#bytes + this.#arrivingBytes + bytes > maxBytes) throw outboxFull("submissions.max_bytes");
    if (this.#arriving > 0 && this.#arrivingBytes + bytes > MAX_ARRIVING_BYTES) throw outboxOverloaded();
    this.#arriving++;
    this.#arrivingBytes += bytes;
  }

  /** Gives back what was kept for a submission: it is stored, or is not. */
  arrived(bytes: number): void {
    this.#arriving--;
    this.#arrivingBytes -= bytes;
  }

  /** Counts a record that was stored in the place of another, or of none. */
  stored(record: SubmissionRecord, previous: SubmissionRecord | undefined): void {
    if (previous !== undefined) this.#add(previous, -1);
    this.#add(record, 1);
  }

  #add(record: SubmissionRecord, sign: 1 | -1): void {
    this.#byState.set(record.state, Math.max(0, this.#count(record.state) + sign));
    this.#bytes = Math.max(0, this.#bytes + sign * bytesOf(record));
  }

  #count(state: SubmissionState): number {
    return this.#byState.get(state) ?? 0;
  }
}

/** Bytes that a record counts for. */
export function bytesOf({ request, outcome }: SubmissionRecord): number {
  return request.length + outcome.length;
}
