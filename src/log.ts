import { pino } from "pino";
import { CurrentLevel, type LevelPort, type LogLevel } from "./log-level.ts";
import { BoundFields, MAX_FIELD_LENGTH, mayBeWritten } from "./log-line.ts";

/**
 * What a log line may hold beside its message. Nothing else is written, even
 * when it is passed: no secret, address of a person or text of a message can
 * come into the log by way of a forgotten field.
 */
export interface LogFields {
  /** Part of the service that speaks: `grpc`, `webhook`, `upstream` … */
  readonly component?: string;
  /** Listener's address. */
  readonly address?: string;
  /** RPC or route: `infobip.messages.v1.MessagesService/SendMessages`, `/v1/delivery`. */
  readonly method?: string;
  /** gRPC code by name. */
  readonly code?: string;
  /** HTTP status. */
  readonly status?: number;
  /** Machine reason of an error. */
  readonly reason?: string | undefined;
  readonly channel?: string | undefined;
  /** Who a message is for, as DestinationNames write it. Never an address. */
  readonly destination?: string | undefined;
  /** Name of a caller, from the configuration. */
  readonly caller?: string | undefined;
  /** Trace that the line belongs to: 32 hex digits. */
  readonly traceId?: string | undefined;
  /** What became of a message, by Infobip's name for it. */
  readonly outcome?: string | undefined;
  /** Path of a setting. */
  readonly setting?: string;
  readonly messageId?: string;
  readonly bulkId?: string | undefined;
  readonly logId?: string;
  readonly cursor?: string;
  readonly eventType?: string;
  /** Lifecycle state, or state of a circuit. */
  readonly state?: string;
  readonly signal?: string;
  readonly attempt?: number;
  readonly count?: number;
  readonly duplicates?: number;
  readonly bytes?: number;
  readonly durationMs?: number;
  readonly delayMs?: number;
  readonly version?: string;
  /** Items of a webhook that could not be read. */
  readonly unparsed?: number;
  /** Ties a caller's INTERNAL error to its line. */
  readonly errorId?: string;
  readonly exitCode?: number;
  /** What was thrown. Written as names, codes and stack frames, without its text. */
  readonly error?: unknown;
}

const FIELDS: ReadonlySet<string> = new Set([
  "component",
  "address",
  "method",
  "code",
  "status",
  "reason",
  "channel",
  "destination",
  "caller",
  "traceId",
  "outcome",
  "setting",
  "messageId",
  "bulkId",
  "logId",
  "cursor",
  "eventType",
  "state",
  "signal",
  "attempt",
  "count",
  "duplicates",
  "bytes",
  "durationMs",
  "delayMs",
  "version",
  "unparsed",
  "errorId",
  "exitCode",
] satisfies (keyof LogFields)[]);

/** Most causes of an error that are written. */
const MAX_CAUSES = 5;
/** Most stack frames written for one error. */
const MAX_FRAMES = 20;

/** Writes log lines. The message is a constant sentence; what changes goes into the fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** As info, for what happens with every message: cheaper, and without `error`. */
  event(message: string, fields: Omit<LogFields, "error">): void;
  /** Least level that is written, of this logger, its parents and children together. */
  readonly level: LevelPort;
  /** A logger whose lines all hold these fields. */
  child(fields: LogFields): Logger;
}

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: "json" | "pretty";
  /** Takes one line with its line end. */
  readonly write: (line: string) => void;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** Makes the logger of the process. */
export function createLogger(options: LoggerOptions): Logger {
  const now = options.now ?? Date.now;
  const write = options.format === "json" ? options.write : (line: string) => options.write(prettyLine(line));
  const target = pino(
    {
      // What is written is decided by the level that all children share; pino's own could not be changed for them.
      level: "trace",
      base: null,
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return wrap({ target, write, now, level: new CurrentLevel(options.level), bound: new BoundFields("") });
}

/** A logger that writes nothing. */
export const SILENT_LOGGER: Logger = createLogger({
  level: "silent",
  format: "json",
  write: () => undefined,
});

/** What a logger and its children are made of. */
interface LoggerParts {
  readonly target: pino.Logger;
  readonly write: (line: string) => void;
  readonly now: () => number;
  readonly level: CurrentLevel;
  readonly bound: BoundFields;
}

function wrap(parts: LoggerParts): Logger {
  const { target, write, now, level, bound } = parts;
  const writer =
    (name: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}): void => {
      if (level.isWritten(name)) target[name](allowed(fields), message);
    };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    event: (message, fields) => {
      if (level.isWritten("info")) write(bound.line(message, fields, FIELDS, now()));
    },
    level,
    child: (fields) =>
      wrap({ ...parts, target: target.child(allowed(fields)), bound: bound.and(fields, FIELDS) }),
  };
}

function allowed(fields: LogFields): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!FIELDS.has(name) || !mayBeWritten(name, value)) continue;
    if (typeof value === "string") kept[name] = value.slice(0, MAX_FIELD_LENGTH);
    else if (typeof value === "number") kept[name] = value;
  }
  if (fields.error !== undefined) kept.error = describeError(fields.error);
  return kept;
}

/** An error by its names, codes and stack frames. Its text stays out: libraries put input into it. */
function describeError(error: unknown): unknown {
  const chain: Record<string, unknown>[] = [];
  let current = error;
  while (current !== undefined && current !== null && chain.length < MAX_CAUSES) {
    if (!(current instanceof Error)) {
      chain.push({ name: typeof current });
      break;
    }
    const { code, reason } = current as { code?: unknown; reason?: unknown };
    chain.push({ name: current.name, ...scalar({ code, reason }), frames: stackFrames(current) });
    current = current.cause;
  }
  return chain;
}

function scalar(fields: Record<string, unknown>): Record<string, unknown> {
  const isScalar = (value: unknown): boolean => typeof value === "number" || typeof value === "string";
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isScalar(value)));
}

function stackFrames(error: Error): string[] {
  const lines = (error.stack ?? "").split("\n").map((line) => line.trim());
  return lines.filter((line) => /^at .+:\d+:\d+\)?$/.test(line)).slice(0, MAX_FRAMES);
}

/** `12:15:32.123 INFO  message component=grpc address=…`. */
function prettyLine(line: string): string {
  const { level, time, msg, error, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const head = [
    String(time).slice(11, 23),
    String(level).toUpperCase().padEnd(5),
    String(msg),
    ...fields,
  ].join(" ");
  return error === undefined ? `${head}\n` : `${head}\n${prettyError(error)}\n`;
}

function prettyError(chain: unknown): string {
  const errors = chain as { name: string; code?: unknown; reason?: unknown; frames?: string[] }[];
  const lines = errors.flatMap(({ name, code, reason, frames = [] }) => {
    const title = [name, code, reason].filter((part) => part !== undefined).join(" ");
    return [`  ${title}`, ...frames.map((frame) => `    ${frame}`)];
  });
  return lines.join("\n");
}
