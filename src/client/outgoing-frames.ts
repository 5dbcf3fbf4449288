import { ChangeNotice } from "./change-notice.ts";

/** Frames on their way to the service, as an iterable that ends when it is told to. */
export class OutgoingFrames<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  readonly #notice = new ChangeNotice();
  #isEnded = false;

  push(frame: T): void {
    if (this.#isEnded) return;
    this.#waiting.push(frame);
    this.#notice.changed();
  }

  /** What was pushed still goes out. */
  end(): void {
    this.#isEnded = true;
    this.#notice.changed();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      const frame = this.#waiting.shift();
      if (frame !== undefined) yield frame;
      else if (this.#isEnded) return;
      else await this.#notice.next();
    }
  }
}
