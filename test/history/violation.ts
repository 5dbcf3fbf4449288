/** A guarantee that a history does not keep. */
export interface Violation {
  readonly rule: string;
  /** What was seen, with the ids and positions that it was seen of. */
  readonly text: string;
}

/** Gathers violations; keeps the first ones only, since one fault tends to show many times. */
export class Violations {
  /** Most violations that are kept. */
  static readonly LIMIT = 50;
  readonly found: Violation[] = [];

  add(rule: string, text: string): void {
    if (this.found.length < Violations.LIMIT) this.found.push({ rule, text });
  }
}
