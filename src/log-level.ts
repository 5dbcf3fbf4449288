/** Levels of the log, least first. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The least level that is written. It can be changed while the process runs. */
export interface LevelPort {
  get(): LogLevel;
  set(level: LogLevel): void;
}

/** Whether a text names a level. */
export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** Holds the level for a logger and all its children. */
export class CurrentLevel implements LevelPort {
  #level: LogLevel;
  #rank: number;

  constructor(level: LogLevel) {
    this.#level = level;
    this.#rank = LOG_LEVELS.indexOf(level);
  }

  get(): LogLevel {
    return this.#level;
  }

  set(level: LogLevel): void {
    this.#level = level;
    this.#rank = LOG_LEVELS.indexOf(level);
  }

  /** Whether lines of a level are written. */
  isWritten(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= this.#rank;
  }
}
