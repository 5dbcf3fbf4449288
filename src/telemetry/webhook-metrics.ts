import type { Meter } from "@opentelemetry/api";
import type { WebhookOutcome } from "../server/webhook-listener.ts";
import { WEBHOOK_ROUTES } from "../webhook/report-kind.ts";
import { ItemCounter } from "./item-counter.ts";
import { LabelledCounter } from "./labelled-counter.ts";

/** Counts webhooks and their items. */
export class WebhookMetrics {
  readonly #requests = new LabelledCounter<{ route: string; status: string; reason: string }>();
  readonly #items = new ItemCounter("route");

  constructor() {
    // What has not happened yet counts 0, so that its first time is seen as a change.
    for (const route of WEBHOOK_ROUTES) {
      this.#requests.add({ route, status: "200", reason: "OK" }, 0);
      this.#items.expect(route);
    }
  }

  /** A webhook was answered, or its sender went away. */
  answered(outcome: WebhookOutcome): void {
    const { status, reason, receipt } = outcome;
    const route = outcome.route ?? "unknown";
    const gone = status === undefined ? "SENDER_GONE" : "OK";
    this.#requests.add({ route, status: String(status ?? "none"), reason: reason ?? gone }, 1);
    if (receipt !== undefined) this.#items.add(route, receipt);
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    meter
      .createObservableCounter("infobip_rpc_webhook_requests_total", {
        description:
          "Requests on the webhook listener by route, status of the answer and machine reason; status none when the sender went away.",
      })
      .addCallback((result) => {
        for (const { labels, count } of this.#requests.series()) result.observe(count, labels);
      });
    meter
      .createObservableCounter("infobip_rpc_webhook_items_total", {
        description:
          "Items of webhooks by what became of them: stored, or repeated because the log had them. Those of a shape that could not be read are unparsed as well.",
      })
      .addCallback((result) => {
        for (const { labels, count } of this.#items.series()) result.observe(count, labels);
      });
  }
}
