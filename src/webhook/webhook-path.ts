import { hash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../secret.ts";
import { WEBHOOK_ROUTES, type WebhookRoute } from "./report-kind.ts";

const PATH = /^\/v1\/([a-z]+)(?:\/([^/?#]*))?(?:\?.*)?$/;

/**
 * Recognises the paths of the webhooks: `/v1/<route>/<secret>`, or
 * `/v1/<route>` when there is no secret. A query is ignored.
 */
export class WebhookPaths {
  readonly #secretDigest: Uint8Array | undefined;

  constructor(secret: Secret | undefined) {
    this.#secretDigest = secret && digest(secret.reveal());
  }

  /** Route of a request's path; undefined for an unknown path and for a wrong secret. */
  match(path: string): WebhookRoute | undefined {
    const [, name, given] = PATH.exec(path) ?? [];
    const isSecretRight = this.#isRight(given);
    const route = WEBHOOK_ROUTES.find((known) => known === name);
    return isSecretRight ? route : undefined;
  }

  /** Digests are compared, because a comparison in constant time needs equal lengths. */
  #isRight(given: string | undefined): boolean {
    if (this.#secretDigest === undefined) return given === undefined;
    return timingSafeEqual(digest(given ?? ""), this.#secretDigest) && given !== undefined;
  }
}

function digest(text: string): Uint8Array {
  return hash("sha256", text, "buffer");
}
