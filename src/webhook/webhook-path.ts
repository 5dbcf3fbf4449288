import { WEBHOOK_ROUTES, type WebhookRoute } from "./report-kind.ts";

const PATH = /^\/v1\/([a-z]+)(?:\/([^/?#]*))?(?:\?.*)?$/;

/** What the path of a request says. */
export interface WebhookPath {
  /** Undefined for a path of no webhook. */
  readonly route: WebhookRoute | undefined;
  /** The part behind the route; undefined when the path ends before it. */
  readonly secret: string | undefined;
}

/** Reads `/v1/<route>` and `/v1/<route>/<secret>`. A query is ignored. */
export function readWebhookPath(path: string): WebhookPath {
  const [, name, secret] = PATH.exec(path) ?? [];
  return { route: WEBHOOK_ROUTES.find((known) => known === name), secret };
}
