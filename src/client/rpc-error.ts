/** gRPC codes by name. */
export type RpcCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** Whether messages of a failed call left. */
export type RpcOutcome = "SENT" | "NOT_SENT" | "UNKNOWN";

/** One broken rule, by the path of the protobuf field. */
export interface RpcViolation {
  readonly field: string;
  readonly description: string;
  /** UPPER_SNAKE reason or id of the rule; empty where none is known. */
  readonly reason: string;
}

/** What an {@link InfobipRpcError} says beyond its text. */
export interface RpcErrorDetails {
  readonly domain?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly outcome?: RpcOutcome | undefined;
  readonly violations?: readonly RpcViolation[];
  readonly retryDelayMs?: number | undefined;
  readonly cause?: unknown;
}

/** How every call of the client fails. Decide by `reason` and `outcome`, never by the text. */
export class InfobipRpcError extends Error {
  override readonly name = "InfobipRpcError";
  readonly code: RpcCode;
  /**
   * Machine reason as the service gave it, see docs/errors.md; the code's name for a failure without a word of the
   * service, such as a lost connection. The client's own: `CLIENT_CLOSED`, `STREAM_SILENT`.
   */
  readonly reason: string;
  /** `infobip-rpc` or `api.infobip.com`; not set for a failure without a word of the service. */
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Of a call that sends: whether messages left. Where the service could not say, NOT_SENT when there was no
   * connection, else UNKNOWN. Not set for other calls.
   */
  readonly outcome: RpcOutcome | undefined;
  readonly violations: readonly RpcViolation[];
  /** Least wait before a repeat, in milliseconds, where the service named one. */
  readonly retryDelayMs: number | undefined;

  constructor(code: RpcCode, reason: string, message: string, details: RpcErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.reason = reason;
    this.domain = details.domain;
    this.metadata = details.metadata ?? {};
    this.outcome = details.outcome;
    this.violations = details.violations ?? [];
    this.retryDelayMs = details.retryDelayMs;
  }
}
