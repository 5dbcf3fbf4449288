/** Characters after which lines are written before the turn of the event loop is over. */
const MAX_HELD_CHARS = 64 * 1024;

/**
 * Keeps the lines of one turn of the event loop and writes them together: a
 * write to a pipe or a file costs far more than a line. Whoever ends the
 * process flushes first.
 */
export class LineBuffer {
  readonly #write: (text: string) => void;
  readonly #atEndOfTurn: (callback: () => void) => void;
  #held = "";
  #isScheduled = false;

  /** `atEndOfTurn` calls back once what the present turn has brought is done. */
  constructor(write: (text: string) => void, atEndOfTurn: (callback: () => void) => void = setImmediate) {
    this.#write = write;
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** Takes one line with its line end. */
  readonly write = (line: string): void => {
    this.#held += line;
    if (this.#held.length >= MAX_HELD_CHARS) this.flush();
    if (this.#isScheduled || this.#held === "") return;
    this.#isScheduled = true;
    this.#atEndOfTurn(() => {
      this.#isScheduled = false;
      this.flush();
    });
  };

  /** Writes what is held now. */
  flush(): void {
    if (this.#held === "") return;
    const text = this.#held;
    this.#held = "";
    this.#write(text);
  }
}
