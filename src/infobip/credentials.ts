import type { Secret } from "../secret.ts";

/** A secret, or a function that is asked at every call, so that a mounted file can be read again. */
export type SecretSource = Secret | (() => Secret);

/** How the service signs in to Infobip. */
export type Credentials =
  | { readonly type: "app"; readonly apiKey: SecretSource }
  | { readonly type: "basic"; readonly username: string; readonly password: SecretSource }
  | { readonly type: "ibsso"; readonly token: SecretSource }
  | { readonly type: "oauth"; readonly clientId: string; readonly clientSecret: SecretSource };

/** The secret as it is now. */
export function currentSecret(source: SecretSource): Secret {
  return typeof source === "function" ? source() : source;
}
