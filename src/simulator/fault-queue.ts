import type { EndpointName, FaultRule } from "./fault.ts";
import { MAX_FAULT_RULES } from "./limits.ts";

interface Waiting {
  readonly rule: FaultRule;
  remaining: number;
}

/** The fault rules in force. The first that befalls a request is the only one that does. */
export class FaultQueue {
  readonly #random: () => number;
  #rules: Waiting[] = [];

  /** @param random Source of numbers in [0, 1) for rules with a probability. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * Adds rules behind those that wait.
   * @throws RangeError when more than MAX_FAULT_RULES would wait.
   */
  add(rules: readonly FaultRule[]): void {
    if (this.#rules.length + rules.length > MAX_FAULT_RULES) {
      throw new RangeError(`at most ${MAX_FAULT_RULES} fault rules can wait; clear some first`);
    }
    for (const rule of rules) {
      const unlimited = rule.probability === undefined ? 1 : Number.POSITIVE_INFINITY;
      this.#rules.push({ rule, remaining: rule.count ?? unlimited });
    }
  }

  /** Rules in force, with what is left of their counts. */
  list(): FaultRule[] {
    return this.#rules.map(({ rule, remaining }) =>
      Number.isFinite(remaining) ? { ...rule, count: remaining } : rule,
    );
  }

  /** The fault that befalls a request now, if one does. */
  take(endpoint: EndpointName): FaultRule | undefined {
    const found = this.#rules.find(
      ({ rule }) =>
        (rule.endpoints === undefined || rule.endpoints.includes(endpoint)) &&
        (rule.probability === undefined || this.#random() < rule.probability),
    );
    if (!found) return undefined;
    found.remaining--;
    if (found.remaining <= 0) this.#rules = this.#rules.filter((waiting) => waiting !== found);
    return found.rule;
  }

  clear(): void {
    this.#rules = [];
  }
}
