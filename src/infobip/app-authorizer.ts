import { type Authorizer, authorizationOf } from "./authorizer.ts";
import type { SecretSource } from "./credentials.ts";
import { StaticAuthorizer } from "./static-authorizer.ts";

/** `Authorization: App <API key>`, the scheme Infobip recommends. */
export function createAppAuthorizer(apiKey: SecretSource): Authorizer {
  return new StaticAuthorizer(apiKey, (key) => authorizationOf("App", key));
}
