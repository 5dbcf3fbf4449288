import type { CliContext, TextSink } from "./cli-context.ts";
import type { CliError } from "./cli-error.ts";
import { createStyle, type Style, wantsColour } from "./style.ts";
import { alignTable, printable } from "./table.ts";

/** What a command prints: data on stdout, notes and errors on stderr. */
export class Output {
  readonly #stdout: TextSink;
  readonly #stderr: TextSink;
  /** Print JSON lines instead of text for people. */
  readonly json: boolean;
  /** Colours of stdout. */
  readonly style: Style;
  /** Colours of stderr. */
  readonly errorStyle: Style;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Columns of the terminal. */
  readonly columns: number;

  constructor(context: CliContext, json: boolean) {
    this.#stdout = context.stdout;
    this.#stderr = context.stderr;
    this.json = json;
    this.isTerminal = context.stdout.isTTY === true && context.environment.TERM !== "dumb";
    this.columns = context.stdout.columns ?? 80;
    this.style = createStyle(!json && wantsColour(context.stdout.isTTY, context.environment));
    this.errorStyle = createStyle(!json && wantsColour(context.stderr.isTTY, context.environment));
  }

  /** Writes text, or bytes that are none, to stdout as it is. Resolves when it has left, so a slow reader slows the command. */
  write(text: string | Uint8Array): Promise<void> {
    return send(this.#stdout, text);
  }

  /** Writes one line to stdout. */
  line(text = ""): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Writes one JSON line to stdout. */
  jsonLine(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value));
  }

  /** Writes lines of a note to stderr. */
  note(text: string): Promise<void> {
    return send(this.#stderr, `${text}\n`);
  }

  /** Tells an error on stderr, as one JSON line with --json. */
  error(error: CliError): Promise<void> {
    return this.note(
      this.json ? JSON.stringify({ error: errorObject(error) }) : errorText(error, this.errorStyle),
    );
  }
}

function send(sink: TextSink, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

function errorObject(error: CliError): Record<string, unknown> {
  return {
    reason: error.reason,
    code: error.code,
    message: error.message,
    violations: error.violations.length > 0 ? error.violations : undefined,
    metadata: Object.keys(error.metadata).length > 0 ? error.metadata : undefined,
    retry_delay_ms: error.retryDelayMs,
    exit_code: error.exitCode,
  };
}

function errorText(error: CliError, style: Style): string {
  // Without a reason of the service the code stands in for it.
  const hasCode = error.code !== undefined && error.code !== error.reason;
  const kind = hasCode ? `${error.code} ${error.reason}` : error.reason;
  const lines = [`${style.bad("error")} ${style.bold(kind)}: ${printable(error.message)}`];
  const violations = error.violations.map((violation) => [
    `  ${style.warn(printable(violation.field))}`,
    printable(violation.description),
  ]);
  lines.push(...alignTable(violations));
  for (const [name, value] of Object.entries(error.metadata))
    lines.push(`  ${style.dim(`${name}:`)} ${printable(value)}`);
  if (error.retryDelayMs !== undefined) lines.push(`  ${style.dim("retry after:")} ${error.retryDelayMs} ms`);
  return lines.join("\n");
}
