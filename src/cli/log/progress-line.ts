import type { CliContext } from "../cli-context.ts";

/** Least time between two states of the line, in milliseconds. */
const REDRAW_MS = 100;
const ERASE_LINE = "\r\x1b[2K";

/** One line at the end of a terminal that says how far a command has come; nothing where stderr is no terminal. */
export class ProgressLine implements Disposable {
  readonly #context: CliContext;
  readonly #isShown: boolean;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(context: CliContext, json: boolean) {
    this.#context = context;
    this.#isShown = !json && context.stderr.isTTY === true && context.environment.TERM !== "dumb";
  }

  /** Shows a text in place of the one before, but not more often than an eye can follow. */
  show(text: string): void {
    const now = this.#context.clock.now();
    if (!this.#isShown || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#context.stderr.write(`${ERASE_LINE}${text}`, () => undefined);
  }

  /** Erases the line. */
  [Symbol.dispose](): void {
    if (this.#isShown && this.#drawnAt > 0) this.#context.stderr.write(ERASE_LINE, () => undefined);
  }
}
