import type { Timer } from "./timer.ts";

/** How often memory is looked at, in milliseconds. */
export const SAMPLE_MS = 500;
/** Share of the limit from which on work is refused, and below which it is taken again. */
const REFUSE_FROM = 0.95;
const TAKE_BELOW = 0.9;

/** Memory of the process. */
export interface MemoryPort {
  /** Bytes that the process may use; undefined where nothing limits it. */
  limitBytes(): number | undefined;
  /** Bytes that it uses. */
  usedBytes(): number;
}

/** What a {@link MemoryGuard} works with. */
export interface MemoryGuardParts {
  readonly memory: MemoryPort;
  /** Setting limits.memory: undefined for the limit of the port, 0 for none. */
  readonly limitBytes: number | undefined;
  readonly timer: Timer;
  /** Told when work begins to be refused, and when it is taken again. Must not throw. */
  readonly onChange: (isRefusing: boolean, usedBytes: number) => void;
}

/** Tells when the process is so near its memory limit that taking on more could end it. Looks every half second until it is disposed of. */
export class MemoryGuard implements Disposable {
  readonly #parts: MemoryGuardParts;
  /** Bytes; undefined: there is none. */
  readonly limitBytes: number | undefined;
  #isRefusing = false;
  #callOff: () => void = () => undefined;

  constructor(parts: MemoryGuardParts) {
    this.#parts = parts;
    const limit = parts.limitBytes ?? parts.memory.limitBytes();
    this.limitBytes = limit === 0 ? undefined : limit;
    if (this.limitBytes !== undefined) this.#look(this.limitBytes);
  }

  /** Whether new work is to be refused. Costs nothing. */
  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  [Symbol.dispose](): void {
    this.#callOff();
  }

  #look(limit: number): void {
    const { memory, timer, onChange } = this.#parts;
    const used = memory.usedBytes();
    const isRefusing = used >= limit * (this.#isRefusing ? TAKE_BELOW : REFUSE_FROM);
    if (isRefusing !== this.#isRefusing) {
      this.#isRefusing = isRefusing;
      onChange(isRefusing, used);
    }
    this.#callOff = timer.schedule(SAMPLE_MS, () => this.#look(limit));
  }
}

/** Memory of this process, and the limit of its control group. */
export const PROCESS_MEMORY: MemoryPort = {
  limitBytes: () => {
    const limit = process.constrainedMemory();
    // Without a limit it is 0, or more than any machine has.
    return limit > 0 && limit < Number.MAX_SAFE_INTEGER ? limit : undefined;
  },
  usedBytes: () => process.memoryUsage.rss(),
};
