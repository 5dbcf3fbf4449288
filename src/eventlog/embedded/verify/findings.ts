/** Most findings that are listed. */
export const MAX_FINDINGS = 20;

/** One thing that is wrong with a log. Holds nothing of any event. */
export interface Finding {
  /** What it is about, such as `event 17`. */
  readonly where: string;
  /** What is wrong. */
  readonly problem: string;
}

/** Collects findings up to {@link MAX_FINDINGS}, and counts the rest. */
export class Findings {
  readonly #listed: Finding[] = [];
  #leftOut = 0;

  get listed(): readonly Finding[] {
    return this.#listed;
  }

  /** Findings that are not listed. */
  get leftOut(): number {
    return this.#leftOut;
  }

  add(where: string, problem: string): void {
    if (this.#listed.length < MAX_FINDINGS) this.#listed.push({ where, problem });
    else this.#leftOut++;
  }
}
