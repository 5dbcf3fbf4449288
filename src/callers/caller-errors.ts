import { Code } from "@connectrpc/connect";
import { type Reason, ServiceError, type Violation } from "../errors.ts";
import type { Scope } from "../rpc/caller.ts";

/** ErrorInfo metadata of refusals: nothing was sent. */
const NOTHING_SENT = { outcome: "NOT_SENT" } as const;
/** What a sum of fractions may be off by, in milliseconds. */
const ROUNDING_MS = 1e-3;
/** Most violations that one error lists. */
const MAX_VIOLATIONS = 100;

/** The call says nothing of who makes it. */
export function credentialsMissing(): ServiceError {
  return unauthenticated(
    "CREDENTIALS_MISSING",
    "this service needs to know its callers: send the metadata `authorization: Bearer <token>`, or a client certificate",
  );
}

/** The credentials belong to no caller. */
export function credentialsUnknown(): ServiceError {
  return unauthenticated(
    "CREDENTIALS_UNKNOWN",
    "no caller has these credentials; check the token or certificate, and ask the operator of this service whether it was replaced",
  );
}

/** The caller may not call this method. */
export function scopeMissing(scopes: readonly Scope[]): ServiceError {
  const text = scopes.join(" or ");
  return new ServiceError(
    Code.PermissionDenied,
    "SCOPE_MISSING",
    `this method needs the scope ${text}; ask the operator of this service for it`,
    { metadata: { ...NOTHING_SENT, scope: scopes.join(",") } },
  );
}

/** Reasons for which a request is not the caller's to make. */
export type ForbiddenReason = Extract<Reason, `${string}_FORBIDDEN`>;

const NEXT: Partial<Record<ForbiddenReason, string>> = {
  CHANNEL_FORBIDDEN: "this caller may not use the channel",
  SENDER_FORBIDDEN: "this caller may not use the sender",
  PLATFORM_FORBIDDEN: "this caller may not use the application or entity",
  WEBHOOK_URL_FORBIDDEN: "this caller may not have reports sent elsewhere",
};

/** The request is not the caller's to make; tells the field of each thing that is not. At least one violation. */
export function forbidden(reason: ForbiddenReason, violations: readonly Violation[]): ServiceError {
  const [first] = violations;
  const others = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return new ServiceError(
    Code.PermissionDenied,
    reason,
    `${NEXT[reason]}${others}: ${first?.field}: ${first?.description}`,
    { metadata: NOTHING_SENT, violations: violations.slice(0, MAX_VIOLATIONS) },
  );
}

/** The caller has sent as much as it may for now. */
export function callerRateLimited(retryDelayMs: number): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "CALLER_RATE_LIMITED",
    "this caller sends more messages a second than it may; nothing was sent; send it again after the delay",
    { metadata: NOTHING_SENT, retryDelayMs: Math.max(1, Math.ceil(retryDelayMs - ROUNDING_MS)) },
  );
}

function unauthenticated(reason: Reason, message: string): ServiceError {
  return new ServiceError(Code.Unauthenticated, reason, message, { metadata: NOTHING_SENT });
}
