/** Waits between attempts to connect to one server, in milliseconds. */
export interface ReconnectWaits {
  readonly first: number;
  readonly longest: number;
}

/**
 * Waits that double with each round over all servers, from `first` to
 * `longest`; each is drawn from its upper half, so that processes that lost
 * the same server do not come back at the same moment.
 */
export class GrowingWaits {
  readonly #waits: ReconnectWaits;
  readonly #random: () => number;
  #attempts = 0;
  #current = 0;

  constructor(waits: ReconnectWaits, random: () => number) {
    this.#waits = waits;
    this.#random = random;
    this.reset();
  }

  /** Least time from one attempt at a server to the next at the same one. */
  get current(): number {
    return this.#current;
  }

  /** An attempt begins; `servers` is how many there are to try. */
  attempted(servers: number): void {
    this.#attempts += 1;
    if (this.#attempts % Math.max(1, servers) === 0) this.#draw(this.#attempts / Math.max(1, servers));
  }

  /** There is a connection: the next loss begins with the shortest wait. */
  reset(): void {
    this.#attempts = 0;
    this.#draw(0);
  }

  #draw(round: number): void {
    const { first, longest } = this.#waits;
    const full = Math.min(longest, first * 2 ** Math.min(round, 30));
    this.#current = full * (0.5 + 0.5 * this.#random());
  }
}
