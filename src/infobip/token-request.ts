import type { Secret } from "../secret.ts";
import { type AccessToken, readAccessToken } from "./access-token.ts";
import { CallBounds } from "./call-bounds.ts";
import { CallFailure } from "./call-failure.ts";
import type { SecretSource } from "./credentials.ts";
import { parseJson } from "./error-body.ts";
import type { ErrorContext } from "./error-context.ts";
import type { HttpAnswer } from "./exchange.ts";
import { failureError } from "./failure-error.ts";
import { readSecret } from "./static-authorizer.ts";
import { statusError } from "./status-error.ts";
import type { Transport } from "./transport.ts";
import { unusableAnswer } from "./unusable-answer.ts";
import { USER_AGENT } from "./user-agent.ts";

const PATH = "/auth/1/oauth2/token";
/** Longest wait for a token, in milliseconds. */
const TOKEN_TIMEOUT_MS = 10_000;
const HEADERS = [
  "content-type",
  "application/x-www-form-urlencoded",
  "accept",
  "application/json",
  "user-agent",
  USER_AGENT,
];

/** What a token is asked with. */
export interface TokenRequest {
  readonly clientId: string;
  readonly clientSecret: SecretSource;
  readonly now: () => number;
}

/** Asks for an access token once. Rejects with ServiceError, whose metadata says `endpoint=token` and that nothing was sent. */
export async function requestToken(
  transport: Transport,
  { clientId, clientSecret, now }: TokenRequest,
  signal: AbortSignal,
): Promise<AccessToken> {
  const secret = readSecret(clientSecret);
  const requestedAt = now();
  const context = contextOf(secret, requestedAt);
  const answer = await postForm(transport, formOf(clientId, secret), signal, now).catch((error: unknown) => {
    throw error instanceof CallFailure ? failureError(error, context) : error;
  });
  if (answer.status < 200 || answer.status > 299) throw statusError(answer, context);
  if (answer.incomplete) throw failureError(answer.incomplete, context, answer.status);
  const token = readAccessToken(parseJson(answer.body), requestedAt);
  if (!token) throw failureError(unusableAnswer("ANSWER_WITHOUT_TOKEN"), context, answer.status);
  return token;
}

async function postForm(
  transport: Transport,
  body: string,
  signal: AbortSignal,
  now: () => number,
): Promise<HttpAnswer> {
  using bounds = new CallBounds({ signal, limitMs: TOKEN_TIMEOUT_MS, now });
  return await transport.request({ method: "POST", path: PATH, body, headers: HEADERS, bounds });
}

function formOf(clientId: string, secret: Secret): string {
  return new URLSearchParams({
    client_id: clientId,
    client_secret: secret.reveal(),
    grant_type: "client_credentials",
  }).toString();
}

function contextOf(secret: Secret, now: number): ErrorContext {
  return { kind: "TOKEN", messageIds: [], secrets: [secret], now };
}
