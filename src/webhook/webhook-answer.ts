/** Least wait that a 503 asks for. */
export const RETRY_AFTER_SECONDS = 10;

/** What a webhook's sender is told. The body never repeats anything of the request. */
export interface WebhookAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Machine reasons of refusals, in the member `error` of the body. */
export type WebhookRefusalReason =
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "ENCODING_NOT_SUPPORTED"
  | "ENCODING_BROKEN"
  | "BODY_NOT_ACCEPTED"
  | "BUSY"
  | "LOG_UNAVAILABLE"
  | "INTERNAL";

/** Ends the handling of a webhook with an answer other than 200. */
export class WebhookRefusal extends Error {
  override readonly name = "WebhookRefusal";
  readonly reason: WebhookRefusalReason;
  readonly answer: WebhookAnswer;

  constructor(
    status: number,
    reason: WebhookRefusalReason,
    message: string,
    options: { readonly headers?: Readonly<Record<string, string>>; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.answer = { status, body: { error: reason, message }, headers: options.headers };
  }
}

/** The one answer for every path that is not a webhook of this service, and for a wrong secret. */
export function notFound(): WebhookRefusal {
  return new WebhookRefusal(404, "NOT_FOUND", "there is nothing here");
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
