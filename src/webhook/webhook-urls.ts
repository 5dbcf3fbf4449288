import type { Secret } from "../secret.ts";
import { WEBHOOK_ROUTES, type WebhookRoute } from "./report-kind.ts";
import type { WebhookSecurity } from "./webhook-checks.ts";

/** Where the webhooks of a service are. */
export interface WebhookPlace {
  /** Undefined when Infobip reaches them under no URL that is known here. */
  readonly publicUrl: string | undefined;
  readonly secret: Secret | undefined;
  readonly security: Pick<WebhookSecurity, "require">;
}

/**
 * URLs of the webhooks as Infobip must call them, by route; undefined without a
 * public URL. Those of routes that ask for the secret hold it: never log them.
 * `showSecret` writes something else in its place.
 */
export function webhookUrls(
  { publicUrl, secret, security }: WebhookPlace,
  showSecret: (secret: Secret) => string = (hidden) => encodeURIComponent(hidden.reveal()),
): Readonly<Record<WebhookRoute, string>> | undefined {
  if (publicUrl === undefined) return undefined;
  const base = publicUrl.replace(/\/+$/, "");
  const urlOf = (route: WebhookRoute): string => {
    const isNeeded = secret !== undefined && security.require[route].includes("secret");
    return isNeeded ? `${base}/v1/${route}/${showSecret(secret)}` : `${base}/v1/${route}`;
  };
  const entries = WEBHOOK_ROUTES.map((route) => [route, urlOf(route)]);
  return Object.fromEntries(entries);
}
