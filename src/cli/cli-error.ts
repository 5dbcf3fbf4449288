import type { Violation } from "../errors.ts";
import { EXIT } from "./exit-codes.ts";

/** What a {@link CliError} says beyond its text. */
export interface CliErrorOptions {
  readonly exitCode?: number;
  /** Name of the gRPC code. */
  readonly code?: string;
  readonly violations?: readonly Violation[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly retryDelayMs?: number | undefined;
  readonly cause?: unknown;
}

/** A failure to tell the user: machine reason, text, exit code. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly reason: string;
  readonly exitCode: number;
  readonly code: string | undefined;
  readonly violations: readonly Violation[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryDelayMs: number | undefined;

  constructor(reason: string, message: string, options: CliErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.exitCode = options.exitCode ?? EXIT.failure;
    this.code = options.code;
    this.violations = options.violations ?? [];
    this.metadata = options.metadata ?? {};
    this.retryDelayMs = options.retryDelayMs;
  }
}

/** Wrong use of the command line. */
export function usageError(message: string): CliError {
  return new CliError("USAGE", message, { exitCode: EXIT.usage });
}
