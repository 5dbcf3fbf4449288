/** What a credential may do; Infobip's names of scopes. */
export type Scope =
  | "message:send"
  | "messages-api:message:send"
  | "messages-api:manage"
  | "inbound-message:read";

/** A credential that the simulator accepts. Without `scopes` it may do everything. */
export type Credential =
  | { readonly scheme: "App"; readonly key: string; readonly scopes?: readonly Scope[] }
  | { readonly scheme: "IBSSO"; readonly token: string; readonly scopes?: readonly Scope[] }
  | {
      /** Also the client id and secret of the token endpoint. */
      readonly scheme: "Basic";
      readonly username: string;
      readonly password: string;
      readonly scopes?: readonly Scope[];
    };

/** Accepted unless others are given: one of each scheme. */
export const DEFAULT_CREDENTIALS: readonly Credential[] = [
  { scheme: "App", key: "simulator" },
  { scheme: "Basic", username: "simulator", password: "simulator" },
  { scheme: "IBSSO", token: "simulator" },
];

/** Scopes of which sending, validating and fetching reports need one. */
export const SEND_SCOPES: readonly Scope[] = [
  "message:send",
  "messages-api:message:send",
  "messages-api:manage",
];
/** Scopes of which fetching inbound messages needs one. */
export const INBOUND_SCOPES: readonly Scope[] = ["inbound-message:read", "messages-api:manage"];

/** Whether a credential holds one of the scopes. */
export function hasScope(credential: Pick<Credential, "scopes">, needed: readonly Scope[]): boolean {
  return credential.scopes === undefined || needed.some((scope) => credential.scopes?.includes(scope));
}
