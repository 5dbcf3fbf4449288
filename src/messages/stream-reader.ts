import type { StreamMessagesRequest } from "../../gen/infobip/messages/v1/stream_messages_pb.js";
import type { DrainNotice } from "../rpc/drain-notice.ts";
import { WakeUp } from "../rpc/wake-up.ts";
import { CREDITS_EXCEEDED, openMisplaced, SEND_DRAINING } from "./stream-errors.ts";
import type { StreamLoad } from "./stream-load.ts";
import type { StreamSends } from "./stream-sends.ts";
import type { StreamTurnBudget } from "./stream-turn-budget.ts";

/** Bytes of results that may wait for the client of one stream until no more of its sends are read. */
const MAX_HELD_BYTES = 1024 * 1024;

/** What a {@link StreamReader} works for. */
export interface StreamReaderOptions {
  readonly sends: StreamSends;
  /** Most sends without a result. */
  readonly credits: number;
  readonly drain: DrainNotice;
  readonly load: StreamLoad;
  readonly turns: StreamTurnBudget;
  /** Is called when the frames have come to their end. */
  readonly wake: () => void;
}

/**
 * Reads the frames of a client after its open frame and begins the sends. A
 * client that has used up its credits is read no further while results wait
 * for it, so one that does not read its results, or sends without credits,
 * makes one result at most that it has no credit for.
 */
export class StreamReader {
  readonly #frames: AsyncIterator<StreamMessagesRequest>;
  readonly #options: StreamReaderOptions;
  readonly #room = new WakeUp();
  #isClosed = false;
  /** The client has closed its side: no frame comes any more. */
  halfClosed = false;
  /** Why the frames cannot be read further. */
  failure: unknown;

  constructor(frames: AsyncIterator<StreamMessagesRequest>, options: StreamReaderOptions) {
    this.#frames = frames;
    this.#options = options;
  }

  /** Reads until the frames end or fail, or {@link close} is called. Never rejects. */
  async read(): Promise<void> {
    const { turns } = this.#options;
    try {
      while (!this.#isClosed) {
        const { done, value } = await this.#frames.next();
        if (this.#isClosed) return;
        if (done === true) {
          this.halfClosed = true;
          return;
        }
        this.#handle(value);
        while (this.#mustWait()) await this.#room.wait();
        while (turns.wait !== undefined) await turns.wait;
      }
    } catch (error) {
      this.failure ??= error;
    } finally {
      this.#options.wake();
    }
  }

  /** Results were taken: there may be room for more. */
  resume(): void {
    this.#room.wake();
  }

  /** Stops reading and lets go of the frames. */
  close(): void {
    this.#isClosed = true;
    this.#room.wake();
    this.#options.load.forget(this.#room.wake);
    // Settles once the read that is under way does, which the end of the call brings.
    void Promise.resolve(this.#frames.return?.()).catch(() => undefined);
  }

  #handle({ frame }: StreamMessagesRequest): void {
    if (frame.case !== "send") throw openMisplaced("must come once, as the first frame");
    const { sends, credits, drain, turns } = this.#options;
    turns.spend();
    if (sends.unanswered >= credits) sends.refuse(frame.value.clientRef, CREDITS_EXCEEDED);
    else if (drain.draining) sends.refuse(frame.value.clientRef, SEND_DRAINING);
    else sends.start(frame.value);
  }

  #mustWait(): boolean {
    const { sends, credits, load } = this.#options;
    if (this.#isClosed) return false;
    const { count, bytes } = sends.results;
    if (bytes >= MAX_HELD_BYTES || (count > 0 && sends.unanswered >= credits)) return true;
    if (!load.isFull) return false;
    load.onRoom(this.#room.wake);
    return true;
  }
}
