import { type Authorizer, authorizationOf } from "./authorizer.ts";
import type { SecretSource } from "./credentials.ts";
import { StaticAuthorizer } from "./static-authorizer.ts";

/** `Authorization: Basic <base64 of username:password>`. Throws an Error when the username holds a colon. */
export function createBasicAuthorizer(username: string, password: SecretSource): Authorizer {
  if (username.includes(":")) throw new Error("the username for Infobip must not hold a colon");
  return new StaticAuthorizer(password, (text) =>
    authorizationOf("Basic", Buffer.from(`${username}:${text}`).toString("base64"), text),
  );
}
