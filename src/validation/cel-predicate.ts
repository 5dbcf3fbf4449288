import type { Accepts } from "./acceptance.ts";

/** A rule in CEL, written by hand a second time. */
export interface CelPredicate {
  readonly id: string;
  /** Text of the expression that `accepts` stands for. */
  readonly expression: string;
  /** Full names of the messages and fields that have the rule. */
  readonly places: readonly string[];
  /** True only where the expression is true. */
  readonly accepts: Accepts;
}

/** Package of all places. */
const MESSAGES = "infobip.messages.v1";

/** Writes a rule whose predicate takes the message, or the value of the field. */
export function celPredicate<T>(
  id: string,
  places: readonly string[],
  expression: string,
  accepts: (value: T) => boolean,
): CelPredicate {
  return { id, expression, places: places.map((name) => `${MESSAGES}.${name}`), accepts: accepts as Accepts };
}
