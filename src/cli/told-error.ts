import { ServiceError } from "../errors.ts";
import { EventLogOpenError } from "../eventlog/embedded/open-failure.ts";
import { StartError } from "../start-error.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

/** What is told of an error. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ServiceError) {
    return new CliError(error.reason, error.message, {
      violations: error.violations,
      metadata: error.metadata,
    });
  }
  if (error instanceof StartError) {
    return new CliError(error.reason, error.message, { exitCode: EXIT.usage, cause: error });
  }
  if (error instanceof EventLogOpenError) {
    const reason = `EVENT_LOG_${error.reason}`;
    return new CliError(reason, `data_dir: ${error.message}`, { exitCode: EXIT.usage, cause: error });
  }
  const message = error instanceof Error ? error.message : "unknown error";
  return new CliError(systemCode(error) ?? "INTERNAL", message, { cause: error });
}

function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
