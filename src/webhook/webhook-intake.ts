import type { IncomingMessage } from "node:http";
import type { EventLog } from "../eventlog/event-log.ts";
import type { WebhookAuthentication } from "./authentication.ts";
import { BodyBudget } from "./body-budget.ts";
import type { IntakeTracing } from "./intake-trace.ts";
import { type Receipt, WebhookReceiver } from "./receiver.ts";
import { decodeBody, openBody, readBody } from "./request-body.ts";
import { TokenBucket } from "./token-bucket.ts";
import { methodNotAllowed, tooManyRequests } from "./webhook-answer.ts";
import type { WebhookLimits } from "./webhook-limits.ts";
import type { WebhookPath } from "./webhook-path.ts";

/** What a {@link WebhookIntake} works with. */
export interface WebhookIntakeOptions extends IntakeTracing {
  readonly log: Pick<EventLog, "append">;
  readonly limits: WebhookLimits;
  readonly authentication: WebhookAuthentication;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
}

/** Takes webhooks that are genuine and within the limits. Nothing of a body is decoded before its sender is known. */
export class WebhookIntake {
  readonly #limits: WebhookLimits;
  readonly #authentication: WebhookAuthentication;
  readonly #receiver: WebhookReceiver;
  readonly #budget: BodyBudget;
  readonly #rate: TokenBucket;

  constructor(options: WebhookIntakeOptions) {
    const { log, limits, authentication, monotonicNow, contexts, onBody } = options;
    this.#limits = limits;
    this.#authentication = authentication;
    this.#receiver = new WebhookReceiver({
      log,
      appendTimeoutMs: limits.appendTimeoutMs,
      contexts,
      onBody,
    });
    // However the limits are set, the largest body fits, compressed and decompressed.
    this.#budget = new BodyBudget(Math.max(limits.maxBufferedBytes, 2 * limits.maxBodyBytes));
    this.#rate = new TokenBucket(limits.maxRequestsPerSecond, monotonicNow);
  }

  /**
   * Resolves once every item is durable. Calls `invite` when the body is
   * wanted. Rejects with a WebhookRefusal, or SenderGone.
   */
  async take(request: IncomingMessage, path: WebhookPath, invite: () => void): Promise<Receipt> {
    const admission = this.#authentication.admit(request, path);
    if (request.method !== "POST") throw methodNotAllowed();
    const isSigned = admission.signature !== undefined;
    if (!isSigned) this.#countOne();
    const { maxBodyBytes } = this.#limits;
    using lease = this.#budget.lease();
    const collector = openBody(request, maxBodyBytes, lease);
    invite();
    const sent = await readBody(request, collector);
    this.#authentication.verify(admission, sent);
    // Only what is genuine counts, or strangers could use up the rate.
    if (isSigned) this.#countOne();
    const body = await decodeBody(request, sent, maxBodyBytes, lease);
    return await this.#receiver.receive(admission.route, body);
  }

  #countOne(): void {
    if (!this.#rate.tryTake()) throw tooManyRequests();
  }
}
