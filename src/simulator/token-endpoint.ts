import { type Answer, errorAnswer } from "./api-errors.ts";
import type { Authorization } from "./authorization.ts";

/**
 * POST /auth/1/oauth2/token: client credentials against a Bearer token. Its
 * errors are of the older style, with the `error` that Infobip adds there.
 */
export function answerToken(
  body: string,
  authorization: Authorization,
  token: string,
  lifetimeSeconds: number,
): Answer {
  const form = new URLSearchParams(body);
  if (form.get("grant_type") !== "client_credentials") return refusal(400, "unsupported_grant_type");
  const clientId = form.get("client_id") ?? "";
  const secret = form.get("client_secret") ?? "";
  const issued = authorization.issueToken(clientId, secret, token, lifetimeSeconds * 1_000);
  if (issued === undefined) return refusal(401, "invalid_client");
  return {
    status: 200,
    body: JSON.stringify({ access_token: issued, token_type: "Bearer", expires_in: lifetimeSeconds }),
    headers: { "cache-control": "no-store" },
  };
}

function refusal(status: number, error: string): Answer {
  const legacy = errorAnswer(status, { style: "legacy" });
  return { ...legacy, body: JSON.stringify({ ...JSON.parse(legacy.body), error }) };
}
