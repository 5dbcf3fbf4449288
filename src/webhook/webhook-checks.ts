import type { Secret } from "../secret.ts";
import type { WebhookRoute } from "./report-kind.ts";

/**
 * How a webhook's sender can be known: by the secret in the path, by name and
 * password (HTTP Basic), by a signature of the body (HMAC), by its address, by
 * a certificate at the TLS handshake (mTLS).
 */
export const WEBHOOK_CHECKS = ["secret", "basic", "hmac", "ip", "mtls"] as const;

/** One of {@link WEBHOOK_CHECKS}. */
export type WebhookCheck = (typeof WEBHOOK_CHECKS)[number];

/** Hash functions that Infobip's HMAC can use. */
export const HMAC_ALGORITHMS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const;

/** How a signature can be written. */
export const HMAC_ENCODINGS = ["hex", "base64"] as const;

/** Name and password of a webhook's sender. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: Secret;
}

/** How a webhook's body is signed. */
export interface HmacScheme {
  readonly secret: Secret;
  readonly algorithm: (typeof HMAC_ALGORITHMS)[number];
  /** Name of the header that holds the signature. */
  readonly header: string;
  readonly encoding: (typeof HMAC_ENCODINGS)[number];
}

/** By what webhooks are known to be genuine, beside the secret in their paths. */
export interface WebhookSecurity {
  readonly basic: BasicCredentials | undefined;
  readonly hmac: HmacScheme | undefined;
  /** Networks that webhooks may come from; empty when the address does not count. */
  readonly allowIps: readonly string[];
  /** Networks of proxies whose X-Forwarded-For is believed, and `unix` for those on a Unix socket. */
  readonly trustedProxies: readonly string[];
  /** Whether senders can show a certificate that was verified at the handshake. Default: false. */
  readonly mtls?: boolean;
  /** What each route asks for. Everything in the list must hold. */
  readonly require: Readonly<Record<WebhookRoute, readonly WebhookCheck[]>>;
}

/** What is configured: the checks that a route can ask for, and by default does. */
export function configuredChecks(
  secret: Secret | undefined,
  security: Pick<WebhookSecurity, "basic" | "hmac" | "allowIps" | "mtls">,
): readonly WebhookCheck[] {
  const isConfigured: Readonly<Record<WebhookCheck, boolean>> = {
    secret: secret !== undefined,
    basic: security.basic !== undefined,
    hmac: security.hmac !== undefined,
    ip: security.allowIps.length > 0,
    mtls: security.mtls === true,
  };
  return WEBHOOK_CHECKS.filter((check) => isConfigured[check]);
}

/** Security by the secret in the paths alone; by nothing without one. */
export function secretAlone(secret: Secret | undefined): WebhookSecurity {
  const none = { basic: undefined, hmac: undefined, allowIps: [], trustedProxies: [] };
  const checks = configuredChecks(secret, none);
  return { ...none, require: { delivery: checks, seen: checks, inbound: checks, click: checks } };
}
