/** Most problems that one error tells. */
const MAX_TOLD = 20;

/** One thing that is wrong in a callers file. */
export interface CallersProblem {
  /** `caller "shop"`, or `callers[3]` for one whose name cannot be read; empty for the file as a whole. */
  readonly entry: string;
  /** Name of the field, such as `token_sha256[0]`; empty for the entry as a whole. */
  readonly field: string;
  /** What would be right. Holds nothing of what stands in the file. */
  readonly message: string;
}

/** A callers file that cannot be used. Its text names entries and fields, and holds no value of the file. */
export class CallersFileError extends Error {
  override readonly name = "CallersFileError";
  readonly problems: readonly CallersProblem[];

  constructor(problems: readonly CallersProblem[]) {
    const told = problems.slice(0, MAX_TOLD).map(describe);
    const more = problems.length - told.length;
    super([...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; "));
    this.problems = problems;
  }
}

function describe({ entry, field, message }: CallersProblem): string {
  const place = [entry, field].filter((part) => part !== "").join(", ");
  return place === "" ? message : `${place}: ${message}`;
}
