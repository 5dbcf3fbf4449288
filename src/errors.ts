import type { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** Domain of errors that this service raises about itself or the request. */
export const OWN_DOMAIN = "infobip-rpc";
/** Domain of errors that tell what Infobip answered. */
export const UPSTREAM_DOMAIN = "api.infobip.com";

/** Machine reasons of every error a caller can see, as in google.rpc.ErrorInfo.reason. */
export type Reason =
  | "REQUEST_INVALID"
  | "REQUEST_TOO_LARGE"
  | "UPSTREAM_REJECTED"
  | "UPSTREAM_CREDENTIALS_REJECTED"
  | "UPSTREAM_FORBIDDEN"
  | "UPSTREAM_RATE_LIMITED"
  | "UPSTREAM_FAILED"
  | "UPSTREAM_UNREACHABLE"
  | "SEND_OUTCOME_UNKNOWN"
  | "OVERLOADED"
  | "REQUEST_ID_REUSED"
  | "REQUEST_IDS_FULL"
  | "CREDITS_EXCEEDED"
  | "OUTBOX_FULL"
  | "SUBMISSION_UNKNOWN"
  | "SUBMISSION_NOT_CANCELLABLE"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED"
  | "DRAINING"
  | "OWNER_LOST"
  | "ROLE_DISABLED"
  | "CURSOR_EXPIRED"
  | "CURSOR_AHEAD"
  | "CURSOR_MALFORMED"
  | "CURSOR_FOREIGN_LOG"
  | "FILTER_INERT"
  | "LOG_UNAVAILABLE"
  | "MESSAGE_UNKNOWN"
  | "PAGE_TOKEN_INVALID"
  | "SUBSCRIPTION_UNKNOWN"
  | "SUBSCRIPTION_EXISTS"
  | "SUBSCRIPTION_LIMIT"
  | "SUBSCRIPTION_CHANGED"
  | "CONSUMER_LIMIT"
  | "SESSION_EXPIRED"
  | "DEAD_LETTER_UNKNOWN"
  | "CREDENTIALS_MISSING"
  | "CREDENTIALS_UNKNOWN"
  | "SCOPE_MISSING"
  | "CHANNEL_FORBIDDEN"
  | "SENDER_FORBIDDEN"
  | "PLATFORM_FORBIDDEN"
  | "WEBHOOK_URL_FORBIDDEN"
  | "CALLER_RATE_LIMITED"
  | "METHOD_UNKNOWN"
  | "SERVICE_UNKNOWN"
  | "PROTOCOL_ERROR"
  | "INTERNAL";

/** One broken rule, by the path of the protobuf field. */
export interface Violation {
  /** Path of the field, such as `messages[0].message.channel`. */
  readonly field: string;
  /** What is wrong and what would be right; holds no value of the request. */
  readonly description: string;
  /** Id of the rule, where one is known. */
  readonly reason?: string;
}

/** What a {@link ServiceError} says beyond its text. */
export interface ServiceErrorOptions {
  readonly domain?: string;
  /** Dynamic parts for ErrorInfo.metadata. Never a secret, phone number or message text. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  /** Least wait before a repeat, in milliseconds. */
  readonly retryDelayMs?: number;
  /** Never shown to a caller; logged. */
  readonly cause?: unknown;
}

/**
 * An error that is meant for the caller: gRPC code, machine reason, and a text
 * that says what to do next. Anything else that is thrown becomes INTERNAL
 * without its text.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: Code;
  readonly reason: Reason;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryDelayMs: number | undefined;

  constructor(code: Code, reason: Reason, message: string, options: ServiceErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = reason;
    this.domain = options.domain ?? OWN_DOMAIN;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryDelayMs = options.retryDelayMs;
  }
}

/** Builds the error details of a {@link ServiceError}: ErrorInfo always, BadRequest and RetryInfo where they apply. */
export function toConnectError(error: ServiceError): ConnectError {
  const details: { desc: Parameters<typeof create>[0]; value: object }[] = [
    {
      desc: ErrorInfoSchema,
      value: { reason: error.reason, domain: error.domain, metadata: { ...error.metadata } },
    },
  ];
  if (error.violations.length > 0) {
    details.push({
      desc: BadRequestSchema,
      value: { fieldViolations: error.violations.map((v) => ({ ...v })) },
    });
  }
  if (error.retryDelayMs !== undefined) {
    const seconds = Math.floor(error.retryDelayMs / 1000);
    const nanos = Math.round((error.retryDelayMs - seconds * 1000) * 1e6);
    details.push({
      desc: RetryInfoSchema,
      value: { retryDelay: { seconds: BigInt(seconds), nanos } },
    });
  }
  return new ConnectError(error.message, error.code, undefined, details as never, error.cause);
}

/** Makes sure that whatever was thrown is a {@link ServiceError}; unknown errors lose their text, not their cause. */
export function ensureServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError(Code.Internal, "INTERNAL", "internal error; see the service's log", {
    cause: error,
  });
}
