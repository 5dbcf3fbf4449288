import { createAppAuthorizer } from "./app-authorizer.ts";
import type { Authorizer } from "./authorizer.ts";
import { createBasicAuthorizer } from "./basic-authorizer.ts";
import type { Credentials } from "./credentials.ts";
import { createIbssoAuthorizer } from "./ibsso-authorizer.ts";
import { OauthAuthorizer } from "./oauth-authorizer.ts";
import { requestToken } from "./token-request.ts";
import type { Transport } from "./transport.ts";

/** The authorizer for the configured scheme. Throws an Error when the credentials cannot be right. */
export function createAuthorizer(
  credentials: Credentials,
  transport: Transport,
  now: () => number,
): Authorizer {
  switch (credentials.type) {
    case "app":
      return createAppAuthorizer(credentials.apiKey);
    case "basic":
      return createBasicAuthorizer(credentials.username, credentials.password);
    case "ibsso":
      return createIbssoAuthorizer(credentials.token);
    case "oauth":
      return new OauthAuthorizer({
        fetchToken: (signal) => requestToken(transport, { ...credentials, now }, signal),
        now,
      });
  }
}
