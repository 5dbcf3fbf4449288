import { type JetStreamError, parseAnswer } from "./jetstream-answer.ts";
import { NatsFailure } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";

/** err_code of answers that callers tell apart. */
export const API_ERROR = {
  messageNotFound: 10037,
  streamNotFound: 10059,
  streamNameInUse: 10058,
} as const;

/** JetStream has answered a request with an error. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The server's err_code. */
  readonly code: number;

  constructor(error: JetStreamError) {
    super(`${error.description} (${error.err_code})`);
    this.code = error.err_code;
  }
}

/**
 * Asks JetStream's API, such as `STREAM.INFO.<name>`; resolves with the answer. Rejects with ApiError when the
 * server answers with an error, with ServiceError LOG_UNAVAILABLE or OVERLOADED when there is no answer.
 */
export async function askJetStream<T extends object>(
  link: NatsLink,
  operation: string,
  body?: object,
): Promise<T> {
  const payload = body === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(body));
  const answer = await link.request(`$JS.API.${operation}`, payload);
  const parsed = parseAnswer<T>(answer);
  if (parsed.error !== undefined) throw new ApiError(parsed.error);
  return parsed;
}

/** What an {@link ApiError} becomes as a cause of LOG_UNAVAILABLE. */
export function apiFailure(error: ApiError): NatsFailure {
  return new NatsFailure(`JETSTREAM_${error.code}`, error.message, error);
}
