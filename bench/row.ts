/** One line of the table: a figure and the budget it is held to. */
export interface Row {
  /** Stable name, such as `intake`. */
  readonly name: string;
  /** What was measured, in a few words. */
  readonly what: string;
  readonly measured: number;
  /** `x` for a ratio within this run, `a call` for a count, or `us`, `ms`, `MiB`. */
  readonly unit: "x" | "a call" | "us" | "ms" | "MiB";
  /** Most that `measured` may be; undefined for a figure that is only reported. */
  readonly budget?: number;
  /** The figures behind it, for the JSON. */
  readonly details: Readonly<Record<string, number | readonly number[]>>;
}

/** Whether a row keeps its budget; undefined when it has none. */
export function keepsBudget(row: Row): boolean | undefined {
  return row.budget === undefined ? undefined : row.measured <= row.budget;
}
