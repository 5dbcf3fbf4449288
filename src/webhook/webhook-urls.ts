import type { Secret } from "../secret.ts";
import type { WebhookRoute } from "./report-kind.ts";

/** URL of one webhook as Infobip must call it. Holds the secret: never log it. */
export function webhookUrl(publicUrl: string, route: WebhookRoute, secret: Secret | undefined): string {
  const base = `${publicUrl.replace(/\/+$/, "")}/v1/${route}`;
  return secret === undefined ? base : `${base}/${encodeURIComponent(secret.reveal())}`;
}
