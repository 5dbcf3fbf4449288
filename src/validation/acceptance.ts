/** Says of a value that it certainly keeps its rules. False means only that it has to be looked at closely. */
export type Accepts = (value: unknown) => boolean;

/** Where there are no rules. */
export const ACCEPT_ALL: Accepts = () => true;

/** Where a rule is not understood. */
export const ACCEPT_NONE: Accepts = () => false;

/** A message by the local names of its fields. */
export type AnyMessage = Readonly<Record<string, unknown>>;

/** Both accept; costs nothing where there are no rules. */
export function both(first: Accepts, second: Accepts): Accepts {
  if (first === ACCEPT_ALL) return second;
  if (second === ACCEPT_ALL) return first;
  return (value) => first(value) && second(value);
}

/** All accept. */
export function every(checks: readonly Accepts[]): Accepts {
  const needed = checks.filter((check) => check !== ACCEPT_ALL);
  const [only] = needed;
  if (only === undefined) return ACCEPT_ALL;
  if (needed.length === 1) return only;
  return (value) => {
    for (const check of needed) if (!check(value)) return false;
    return true;
  };
}
