/** Milliseconds that rise with every reading, so that what a test saw first has the smaller time. */
export class HistoryClock {
  #last = 0;

  read(): number {
    this.#last = Math.max(performance.now(), this.#last + 0.000_1);
    return this.#last;
  }
}
