import { type Authorizer, authorizationOf } from "./authorizer.ts";
import type { SecretSource } from "./credentials.ts";
import { StaticAuthorizer } from "./static-authorizer.ts";

/** `Authorization: IBSSO <session token>`. The session ends after an hour or so and is not renewed here. */
export function createIbssoAuthorizer(token: SecretSource): Authorizer {
  return new StaticAuthorizer(token, (text) => authorizationOf("IBSSO", text));
}
