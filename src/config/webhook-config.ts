import type { Secret } from "../secret.ts";
import { WEBHOOK_ROUTES, type WebhookRoute } from "../webhook/report-kind.ts";
import { configuredChecks, type WebhookCheck, type WebhookSecurity } from "../webhook/webhook-checks.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { SettingValues } from "./settings.ts";
import { type TlsConfig, webhookTls } from "./tls-config.ts";

/** The webhook listener; off without an address. */
export interface WebhookConfig {
  readonly listen: ListenAddress | undefined;
  /** Undefined: it is plain, on a Unix socket or behind a proxy. */
  readonly tls: TlsConfig | undefined;
  /** Without a slash at the end. */
  readonly publicUrl: string | undefined;
  readonly secret: Secret | undefined;
  /** What webhooks are known by, beside the secret. */
  readonly security: WebhookSecurity;
  readonly maxBodyBytes: number;
  readonly maxRequestsPerSecond: number;
}

/** Makes the configuration of the webhook listener of checked values. */
export function webhookConfig(values: SettingValues): WebhookConfig {
  const secret = values["webhook.secret"];
  return {
    listen: values["webhook.listen"],
    tls: webhookTls(values),
    publicUrl: values["webhook.public_url"],
    secret,
    security: { ...senderChecks(values), require: requiredChecks(values) },
    maxBodyBytes: values["webhook.max_body_bytes"],
    maxRequestsPerSecond: values["webhook.max_requests_per_second"],
  };
}

/** What each route asks for: what its setting names, else everything that is configured. */
export function requiredChecks(
  values: Partial<SettingValues>,
): Readonly<Record<WebhookRoute, readonly WebhookCheck[]>> {
  const configured = configuredChecks(values["webhook.secret"], senderChecks(values));
  const entries = WEBHOOK_ROUTES.map((route) => [route, values[`webhook.${route}.require`] ?? configured]);
  return Object.fromEntries(entries);
}

function senderChecks(values: Partial<SettingValues>): Omit<WebhookSecurity, "require"> {
  const username = values["webhook.basic_username"];
  const password = values["webhook.basic_password"];
  const secret = values["webhook.hmac_secret"];
  const algorithm = values["webhook.hmac_algorithm"] ?? "sha256";
  const header = values["webhook.hmac_header"] ?? "";
  const encoding = values["webhook.hmac_encoding"] ?? "hex";
  return {
    basic: username !== undefined && password ? { username, password } : undefined,
    hmac: secret && { secret, algorithm, header, encoding },
    allowIps: values["webhook.allow_ips"] ?? [],
    trustedProxies: values["webhook.trusted_proxies"] ?? [],
    ...(values["webhook.tls_client_ca_file"] === undefined ? {} : { mtls: true }),
  };
}
