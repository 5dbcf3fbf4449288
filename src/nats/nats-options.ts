import type { Secret } from "../secret.ts";

/** How a process proves to a NATS server who it is. */
export type NatsAuth =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly user: string; readonly password: Secret }
  | { readonly kind: "token"; readonly token: Secret }
  /** `seed` is an nkey's seed, as `nk -gen user` prints it. */
  | { readonly kind: "nkey"; readonly seed: Secret }
  /** `creds` is the content of a .creds file: a JWT and its seed. */
  | { readonly kind: "creds"; readonly creds: Secret };

/** TLS towards a NATS server. PEM texts. */
export interface NatsTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Secret;
}

/** How to reach a NATS server, and what may wait for it. */
export interface NatsOptions {
  /** `nats://host:port` or `tls://host:port`, one for each known server of the cluster. */
  readonly servers: readonly string[];
  readonly auth: NatsAuth;
  /** Undefined: as the server asks for. */
  readonly tls: NatsTls | undefined;
  /** Name of the connection, for operators of the server. */
  readonly name: string;
  /** Longest wait for the first connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Longest wait for an answer of the server, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Most bytes that are published and not yet acknowledged; past it publishing rejects OVERLOADED. */
  readonly maxInFlightBytes: number;
}
