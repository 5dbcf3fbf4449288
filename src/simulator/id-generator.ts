import type { SimulatorClock } from "./clock.ts";

/** Ids a millisecond can hold before the next one is borrowed from. */
const IDS_PER_MS = 1_000_000n;

/** Makes ids of 19 digits that rise, like `1688025180464000013` in Infobip's published answers. */
export class IdGenerator {
  readonly #clock: SimulatorClock;
  #last = 0n;

  constructor(clock: SimulatorClock) {
    this.#clock = clock;
  }

  next(): string {
    const earliest = BigInt(Math.floor(this.#clock.now())) * IDS_PER_MS;
    this.#last = earliest > this.#last ? earliest : this.#last + 1n;
    return this.#last.toString();
  }
}
