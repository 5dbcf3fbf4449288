/** Least wait that a 503 asks for. */
export const RETRY_AFTER_SECONDS = 10;

/** Least wait that a 429 asks for: the rate counts by the second. */
const RATE_RETRY_AFTER_SECONDS = 1;

/** What a webhook's sender is told. The body never repeats anything of the request. */
export interface WebhookAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Machine reasons of refusals, for logs and metrics, and in the member `error` of the body unless it must not tell. */
export type WebhookRefusalReason =
  | "NOT_FOUND"
  | "SECRET_WRONG"
  | "ADDRESS_NOT_ALLOWED"
  | "CREDENTIALS_WRONG"
  | "CERTIFICATE_MISSING"
  | "SIGNATURE_WRONG"
  | "RATE_LIMITED"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "ENCODING_NOT_SUPPORTED"
  | "ENCODING_BROKEN"
  | "BODY_NOT_ACCEPTED"
  | "BUSY"
  | "LOG_UNAVAILABLE"
  | "INTERNAL";

/** What a {@link WebhookRefusal} says beyond its text. */
export interface WebhookRefusalOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** What the sender is told instead of the reason. */
  readonly toldAs?: WebhookRefusalReason;
  /** Never shown to the sender; logged. */
  readonly cause?: unknown;
}

/** Ends the handling of a webhook with an answer other than 200. */
export class WebhookRefusal extends Error {
  override readonly name = "WebhookRefusal";
  readonly reason: WebhookRefusalReason;
  readonly answer: WebhookAnswer;

  constructor(
    status: number,
    reason: WebhookRefusalReason,
    message: string,
    options: WebhookRefusalOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.answer = { status, body: { error: options.toldAs ?? reason, message }, headers: options.headers };
  }
}

/** The path is none of a webhook of this service. */
export function notFound(): WebhookRefusal {
  return nothingHere("NOT_FOUND");
}

/** The secret in the path is missing or wrong. */
export function wrongSecret(): WebhookRefusal {
  return nothingHere("SECRET_WRONG");
}

/** The sender's address is in none of the allowed networks. */
export function addressNotAllowed(): WebhookRefusal {
  return nothingHere("ADDRESS_NOT_ALLOWED");
}

/** One answer for all, so that a stranger does not learn which paths there are. */
function nothingHere(reason: WebhookRefusalReason): WebhookRefusal {
  return new WebhookRefusal(404, reason, "there is nothing here", { toldAs: "NOT_FOUND" });
}

/** The route asks for a client certificate, and the sender has shown none. */
export function certificateMissing(): WebhookRefusal {
  return new WebhookRefusal(401, "CERTIFICATE_MISSING", "a client certificate is needed here");
}

/** The path is right, the method is not. */
export function methodNotAllowed(): WebhookRefusal {
  return new WebhookRefusal(405, "METHOD_NOT_ALLOWED", "webhooks are sent with POST", {
    headers: { allow: "POST" },
  });
}

/** The senders together are over the rate. */
export function tooManyRequests(): WebhookRefusal {
  return new WebhookRefusal(429, "RATE_LIMITED", "too many webhooks a second; send it again later", {
    headers: { "retry-after": String(RATE_RETRY_AFTER_SECONDS) },
  });
}

/** The body is over the limit, as sent or decompressed. */
export function bodyTooLarge(limitBytes: number): WebhookRefusal {
  return new WebhookRefusal(413, "BODY_TOO_LARGE", `a body may have at most ${limitBytes} bytes`);
}

/** The webhook was not taken and should be sent again. */
export function tryLater(
  reason: "BUSY" | "LOG_UNAVAILABLE",
  message: string,
  cause?: unknown,
): WebhookRefusal {
  return new WebhookRefusal(503, reason, message, {
    headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
    cause,
  });
}
