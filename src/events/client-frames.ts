import { durationMs } from "@bufbuild/protobuf/wkt";
import type {
  SubscribeAck,
  SubscribeNack,
  SubscribeRequest,
} from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { CursorLog } from "../eventlog/cursor.ts";
import type { Settlement, SettlementResult, SubscriptionSession } from "../eventlog/subscription-engine.ts";
import { settlementOf } from "./settlements.ts";
import { secondStart } from "./subscribe-start.ts";

/** Most frames of one client that are read and not answered; then no more are read. */
export const MAX_UNANSWERED_FRAMES = 256;
/** Most characters of event ids in those frames; one frame may go over. */
export const MAX_UNANSWERED_CHARS = 1024 * 1024;

/** A frame that waits for its answer. */
interface Unanswered {
  readonly chars: number;
  result: SettlementResult | undefined;
}

/**
 * Reads the frames of a consumer after its start and lets its session do what
 * they say, in their order. Settlements are handed on as they come, so that
 * one does not wait until the one before is stored; they are answered in order.
 */
export class ClientFrames {
  readonly #frames: AsyncIterator<SubscribeRequest>;
  readonly #session: SubscriptionSession;
  readonly #log: CursorLog;
  readonly #wake: () => void;
  readonly #unanswered: Unanswered[] = [];
  #chars = 0;
  #pings = 0;
  #isClosed = false;
  #onRoom: (() => void) | undefined;
  /** The client has closed its side: no frame comes any more. */
  halfClosed = false;
  /** Why the frames cannot be read further. */
  failure: unknown;

  /** `wake` is called whenever something has changed. */
  constructor(
    frames: AsyncIterator<SubscribeRequest>,
    session: SubscriptionSession,
    log: CursorLog,
    wake: () => void,
  ) {
    this.#frames = frames;
    this.#session = session;
    this.#log = log;
    this.#wake = wake;
  }

  /** Whether every frame that was read is answered. */
  get isAnswered(): boolean {
    return this.#unanswered.length + this.#pings === 0;
  }

  /** Reads until the frames end or fail, or {@link close} is called. Never rejects. */
  async read(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const { done, value } = await this.#frames.next();
        if (this.#isClosed) return;
        if (done === true) {
          this.halfClosed = true;
          return;
        }
        this.#handle(value);
        if (this.#isFull) await new Promise<void>((resolve) => (this.#onRoom = resolve));
      }
    } catch (error) {
      this.failure ??= error;
    } finally {
      this.#wake();
    }
  }

  /** The result of the oldest unanswered frame, once it is there; it counts as answered then. */
  nextResult(): SettlementResult | undefined {
    const result = this.#unanswered[0]?.result;
    if (result === undefined) return undefined;
    this.#chars -= this.#unanswered.shift()?.chars ?? 0;
    this.#makeRoom();
    return result;
  }

  /** Number of pings since the last call; they count as answered then. */
  takePings(): number {
    const pings = this.#pings;
    this.#pings = 0;
    if (pings > 0) this.#makeRoom();
    return pings;
  }

  /** Stops reading and lets go of the frames. */
  close(): void {
    this.#isClosed = true;
    this.#onRoom?.();
    // Settles once the read that is under way does, which the end of the call brings.
    void Promise.resolve(this.#frames.return?.()).catch(() => undefined);
  }

  #handle({ frame }: SubscribeRequest): void {
    if (frame.case === "ack") {
      this.#settle(frame.value, []);
    } else if (frame.case === "nack") {
      this.#settle(undefined, [frame.value]);
    } else if (frame.case === "extend") {
      const { lease } = frame.value;
      this.#session.renew(lease === undefined ? undefined : durationMs(lease));
    } else if (frame.case === "ping") {
      this.#session.renew();
      this.#pings++;
      this.#wake();
    } else {
      throw secondStart();
    }
  }

  #settle(ack: SubscribeAck | undefined, nacks: readonly SubscribeNack[]): void {
    const settlement = settlementOf(this.#log, ack, nacks);
    const unanswered: Unanswered = { chars: charsOf(settlement), result: undefined };
    this.#unanswered.push(unanswered);
    this.#chars += unanswered.chars;
    void this.#session.settle(settlement).then(
      (result) => {
        unanswered.result = result;
        this.#wake();
      },
      (error: unknown) => {
        this.failure ??= error;
        this.#wake();
      },
    );
  }

  get #isFull(): boolean {
    const frames = this.#unanswered.length + this.#pings;
    return frames >= MAX_UNANSWERED_FRAMES || this.#chars >= MAX_UNANSWERED_CHARS;
  }

  #makeRoom(): void {
    if (!this.#isFull) this.#onRoom?.();
  }
}

function charsOf({ ackIds, nacks }: Settlement): number {
  let chars = 0;
  for (const id of ackIds) chars += id.length;
  for (const { ids } of nacks) for (const id of ids) chars += id.length;
  return chars;
}
