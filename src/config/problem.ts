/** One thing wrong with the configuration. Never holds the value of a secret. */
export interface ConfigProblem {
  /** Path of the setting, or the unknown name. */
  readonly setting: string;
  /** Where the value came from: `--flag`, `VARIABLE`, `file.yaml:3` or `default`. */
  readonly origin: string;
  /** What is wrong and what would be right. */
  readonly message: string;
}

/** The configuration cannot be used. Holds every problem, not only the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** One line for people. */
function formatProblem(problem: ConfigProblem): string {
  return `${problem.setting}: ${problem.message} (${problem.origin})`;
}
