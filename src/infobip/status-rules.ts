import { Code } from "@connectrpc/connect";
import type { Reason } from "../errors.ts";
import type { CallKind, Outcome } from "./error-context.ts";

/** What an HTTP status means for the caller. */
export interface StatusRule {
  readonly code: Code;
  readonly reason: Reason;
  readonly outcome: Outcome;
  /** What happened and what to do; what Infobip says follows it. */
  readonly text: string;
  /** Whether to say when to try again. */
  readonly retryable?: true;
}

const BROKEN_OFF: StatusRule = {
  code: Code.Unknown,
  reason: "SEND_OUTCOME_UNKNOWN",
  outcome: "UNKNOWN",
  text: "a gateway in front of Infobip gave up waiting, so the messages may or may not have been sent; look for their reports by message id before sending them again",
};

const RULES: Readonly<Record<number, StatusRule>> = {
  400: {
    code: Code.InvalidArgument,
    reason: "UPSTREAM_REJECTED",
    outcome: "NOT_SENT",
    text: "Infobip refused the request; mend the fields named in the violations and send it again",
  },
  401: {
    code: Code.Unauthenticated,
    reason: "UPSTREAM_CREDENTIALS_REJECTED",
    outcome: "NOT_SENT",
    text: "Infobip refused this service's credentials, not yours; ask the operator of this service to mend them",
  },
  403: {
    code: Code.PermissionDenied,
    reason: "UPSTREAM_FORBIDDEN",
    outcome: "NOT_SENT",
    text: "this service's Infobip account or API key may not do this; ask the operator of this service to widen its scopes",
  },
  // Some gateways answer 408 for a slow back end, not only for a request that came too slowly.
  408: BROKEN_OFF,
  413: {
    code: Code.InvalidArgument,
    reason: "REQUEST_TOO_LARGE",
    outcome: "NOT_SENT",
    text: "the request is larger than Infobip takes; send fewer messages or destinations at a time",
  },
  429: {
    code: Code.ResourceExhausted,
    reason: "UPSTREAM_RATE_LIMITED",
    outcome: "NOT_SENT",
    text: "Infobip takes no more requests for now; try again after the retry delay",
    retryable: true,
  },
  502: BROKEN_OFF,
  503: {
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    outcome: "NOT_SENT",
    text: "Infobip takes no requests for now; try again after the retry delay",
    retryable: true,
  },
  504: BROKEN_OFF,
};

const SERVER_FAILED: StatusRule = {
  code: Code.Internal,
  reason: "UPSTREAM_FAILED",
  outcome: "UNKNOWN",
  text: "Infobip failed; it does not say whether the messages were sent, so look for their reports by message id before sending them again",
};

const MISDIRECTED: StatusRule = {
  code: Code.Internal,
  reason: "UPSTREAM_FAILED",
  outcome: "NOT_SENT",
  text: "the answer did not come from Infobip's Messages API, or it refuses requests of this form; ask the operator of this service to check upstream.base_url",
};

/** Texts of what is uncertain about a send and not about these. */
const REPEATABLE_TEXTS = {
  VALIDATE: "Infobip could not validate the request; validating sends nothing, so try again",
  FETCH: "Infobip failed; what it was handing out may be lost; try again",
} as const;

/** The rule for a status that is no success. */
export function statusRule(status: number, kind: CallKind): StatusRule {
  const rule = RULES[status] ?? (status >= 500 ? SERVER_FAILED : MISDIRECTED);
  if (kind === "TOKEN") return tokenRule(status, rule);
  return kind === "SEND" ? rule : withoutOutcome(rule, REPEATABLE_TEXTS[kind]);
}

/** Validating and fetching send nothing, so nothing about them is uncertain and they may be repeated. */
function withoutOutcome(rule: StatusRule, text: string): StatusRule {
  if (rule.outcome !== "UNKNOWN") return rule;
  const isGateway = rule === BROKEN_OFF;
  return {
    code: isGateway ? Code.Unavailable : rule.code,
    reason: "UPSTREAM_FAILED",
    outcome: "NOT_SENT",
    text,
  };
}

/** A 400 of the token endpoint is about the credentials, never about the caller's request. */
function tokenRule(status: number, rule: StatusRule): StatusRule {
  const credentials = RULES[401];
  if (status === 400 && credentials) return credentials;
  if (rule.retryable || rule === credentials || status === 403) return rule;
  return {
    code: Code.Unavailable,
    reason: "UPSTREAM_FAILED",
    outcome: "NOT_SENT",
    text: "Infobip gave no access token; nothing was sent; try again",
  };
}
