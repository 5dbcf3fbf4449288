import type { NatsLink } from "../../nats/nats-link.ts";
import type { ClockTimer } from "../../timer.ts";
import type { ReplicaEntry, ReplicaLog } from "../replica-log.ts";
import { decodeMessage } from "./event-message.ts";
import { getMessage } from "./kept-message.ts";
import { assembleParts, PartedEvent } from "./parted-event.ts";
import { ConsumerEnded } from "./stream-consumer.ts";
import type { StreamMessage } from "./stream-message.ts";
import type { StreamWatch } from "./stream-watch.ts";

/** Least time between two reports of messages that were passed over, in milliseconds. */
const REPORT_INTERVAL_MS = 60_000;

/** What a {@link StreamIntake} works with. */
export interface StreamIntakeParts {
  readonly link: NatsLink;
  readonly stream: string;
  readonly replica: ReplicaLog;
  readonly watch: StreamWatch;
  readonly timer: ClockTimer;
  readonly onSkipped: (total: number) => void;
  /** The replica's position has moved. */
  readonly onMoved: () => void;
}

/** Puts delivered messages into the replica, and sees to it that none is missing between them. */
export class StreamIntake {
  readonly #parts: StreamIntakeParts;
  #last: StreamMessage | undefined;
  #isBusy = false;
  #skipped = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: StreamIntakeParts) {
    this.#parts = parts;
  }

  /** The message that the replica's position stands for; undefined when that is not known. */
  get last(): StreamMessage | undefined {
    return this.#last;
  }

  /** Whether messages are being put into the replica. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Messages that were no events. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes messages in their order; resolves once readers see them. Those before the replica's position are left out. */
  async take(messages: readonly StreamMessage[]): Promise<void> {
    this.#isBusy = true;
    try {
      await this.#take(messages);
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Nothing else comes up to a sequence. Where that is because the stream has removed it, the watch must have seen
   * so before: from then on the log refuses readers who are behind, so that none is led past what it never gets.
   */
  async pass(through: number): Promise<void> {
    if (through <= this.#parts.replica.position) return;
    await this.#apply([], through);
    this.#last = undefined;
  }

  async #take(messages: readonly StreamMessage[]): Promise<void> {
    const { replica } = this.#parts;
    let entries: ReplicaEntry[] = [];
    let expected = replica.position + 1;
    for (const message of messages) {
      if (message.sequence < expected) continue;
      if (message.sequence > expected) {
        await this.#apply(entries, expected - 1);
        entries = [];
        await this.#passGap(expected, message.sequence);
      }
      const read = this.#read(message);
      const entry = read instanceof Promise ? await read : read;
      if (entry !== undefined) entries.push(entry);
      expected = message.sequence + 1;
    }
    await this.#apply(entries, expected - 1);
    this.#last = messages.at(-1);
  }

  async #apply(entries: readonly ReplicaEntry[], through: number): Promise<void> {
    const { replica, onMoved } = this.#parts;
    if (through <= replica.position) return;
    await replica.apply(entries, through);
    onMoved();
  }

  /** Sees why there is nothing between two sequences: it was removed, or the consumer has left it out. */
  async #passGap(expected: number, next: number): Promise<void> {
    const { link, stream, watch } = this.#parts;
    const { firstSequence } = await watch.look();
    if (firstSequence > expected) {
      await this.pass(Math.min(firstSequence, next) - 1);
      return;
    }
    if ((await getMessage(link, stream, expected)) !== undefined)
      throw new ConsumerEnded(`the consumer has left out ${expected}`);
  }

  #read(message: StreamMessage): ReplicaEntry | undefined | Promise<ReplicaEntry | undefined> {
    const entry = decodeMessage(message);
    if (entry instanceof PartedEvent) return this.#assemble(entry);
    if (typeof entry === "object") return entry;
    if (entry === "damaged") this.#skip();
    return undefined;
  }

  async #assemble(event: PartedEvent): Promise<ReplicaEntry | undefined> {
    const { link, stream } = this.#parts;
    const fetch = async (sequence: number): Promise<Buffer | undefined> =>
      (await getMessage(link, stream, sequence))?.payload;
    const entry = await assembleParts(event, fetch);
    if (entry === undefined) this.#skip();
    return entry;
  }

  #skip(): void {
    this.#skipped++;
    const now = this.#parts.timer.now();
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.#parts.onSkipped(this.#skipped);
  }
}
