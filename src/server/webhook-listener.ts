import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isLocalAddress, type ListenAddress } from "../config/listen-address.ts";
import type { EventLog } from "../eventlog/event-log.ts";
import type { Secret } from "../secret.ts";
import { BodyBudget } from "../webhook/body-budget.ts";
import { type Receipt, WebhookReceiver } from "../webhook/receiver.ts";
import type { WebhookRoute } from "../webhook/report-kind.ts";
import { hasBody, openBody, readBody, SenderGone } from "../webhook/request-body.ts";
import {
  notFound,
  type WebhookAnswer,
  WebhookRefusal,
  type WebhookRefusalReason,
} from "../webhook/webhook-answer.ts";
import { DEFAULT_WEBHOOK_LIMITS, type WebhookLimits } from "../webhook/webhook-limits.ts";
import { WebhookPaths } from "../webhook/webhook-path.ts";
import { listen } from "./listen.ts";
import { ServerStop } from "./server-stop.ts";
import { sendAnswer } from "./webhook-response.ts";

/** How often connections are checked for their timeouts. */
const TIMEOUT_CHECK_MS = 1_000;

/** What became of one webhook, for logs and metrics. Holds no secret and nothing of a body. */
export interface WebhookOutcome {
  /** Undefined when the path was none of a webhook. */
  readonly route: WebhookRoute | undefined;
  /** HTTP status of the answer; undefined when the sender went away before there was one. */
  readonly status: number | undefined;
  readonly reason: WebhookRefusalReason | undefined;
  readonly receipt: Receipt | undefined;
  /** Why an answer is 5xx. */
  readonly cause: unknown;
}

/** Settings of a {@link WebhookListener}. */
export interface WebhookListenerOptions {
  readonly listen: ListenAddress;
  /** Last segment of the paths. Without one the paths end before it, and the address must be local. */
  readonly secret: Secret | undefined;
  readonly log: Pick<EventLog, "append">;
  readonly limits?: Partial<WebhookLimits>;
  /** Called once for each request. Must not throw. */
  readonly observe?: (outcome: WebhookOutcome) => void;
}

/** One request and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** False while the sender waits to be invited to send the body. */
  isBodyComing: boolean;
}

/** Takes Infobip's webhooks over HTTP and answers 200 once their events are durable. */
export class WebhookListener implements AsyncDisposable {
  readonly #options: WebhookListenerOptions;
  readonly #limits: WebhookLimits;
  readonly #paths: WebhookPaths;
  readonly #receiver: WebhookReceiver;
  readonly #budget: BodyBudget;
  readonly #server: Server;
  readonly #stop: ServerStop;
  #address: ListenAddress;

  private constructor(options: WebhookListenerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_WEBHOOK_LIMITS, ...options.limits };
    this.#paths = new WebhookPaths(options.secret);
    this.#receiver = new WebhookReceiver({
      log: options.log,
      appendTimeoutMs: this.#limits.appendTimeoutMs,
    });
    // However the limits are set, the largest body fits, compressed and decompressed.
    const { maxBufferedBytes, maxBodyBytes } = this.#limits;
    this.#budget = new BodyBudget(Math.max(maxBufferedBytes, 2 * maxBodyBytes));
    this.#server = this.#createServer();
    this.#stop = new ServerStop(this.#server);
    this.#address = options.listen;
  }

  /** Starts to listen. Rejects when the address cannot be had, or is not local and there is no secret. */
  static async start(options: WebhookListenerOptions): Promise<WebhookListener> {
    if (options.secret === undefined && !isLocalAddress(options.listen)) {
      throw new Error("webhook.secret must be set when webhook.listen can be reached from other machines");
    }
    const listener = new WebhookListener(options);
    listener.#address = await listen(listener.#server, options.listen);
    return listener;
  }

  /** Where it listens, with the port it got. */
  get address(): ListenAddress {
    return this.#address;
  }

  /**
   * Stops. Connections without a complete header, and idle ones, end at once;
   * requests in flight have `graceMs` milliseconds for their answers, which
   * close their connections. May be called again: the shortest grace counts.
   */
  stop(graceMs: number): Promise<void> {
    return this.#stop.stop(graceMs);
  }

  /** Stops with the grace of the limits, which is short. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(this.#limits.stopGraceMs);
  }

  #createServer(): Server {
    const limits = this.#limits;
    const server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    server.maxConnections = limits.maxConnections;
    // Whatever state a connection is in, silence ends it.
    server.timeout = limits.requestTimeoutMs + limits.appendTimeoutMs + limits.keepAliveTimeoutMs;
    server.on("request", (request, response) => void this.#serve({ request, response, isBodyComing: true }));
    server.on(
      "checkContinue",
      (request, response) => void this.#serve({ request, response, isBodyComing: false }),
    );
    return server;
  }

  /** Never rejects. */
  async #serve(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    // A sender that goes away shows as `close`; without a listener its error would end the process.
    request.on("error", () => {});
    response.on("error", () => {});
    const route = this.#paths.match(request.url ?? "");
    try {
      const receipt = await this.#receive(route, exchange);
      const body = { stored: receipt.appended, repeated: receipt.duplicates, unparsed: receipt.unparsed };
      this.#answer(exchange, { status: 200, body });
      this.#observe({ route, status: 200, reason: undefined, receipt, cause: undefined });
    } catch (error) {
      this.#refuse(route, exchange, error);
    }
  }

  async #receive(route: WebhookRoute | undefined, exchange: Exchange): Promise<Receipt> {
    const { request, response } = exchange;
    if (route === undefined) throw notFound();
    if (request.method !== "POST") {
      throw new WebhookRefusal(405, "METHOD_NOT_ALLOWED", "webhooks are sent with POST", {
        headers: { allow: "POST" },
      });
    }
    const { maxBodyBytes } = this.#limits;
    using lease = this.#budget.lease();
    const collector = openBody(request, maxBodyBytes, lease);
    if (!exchange.isBodyComing) response.writeContinue();
    exchange.isBodyComing = true;
    const body = await readBody(request, collector, maxBodyBytes, lease);
    return await this.#receiver.receive(route, body);
  }

  #refuse(route: WebhookRoute | undefined, exchange: Exchange, error: unknown): void {
    if (error instanceof SenderGone) {
      this.#observe({ route, status: undefined, reason: undefined, receipt: undefined, cause: undefined });
      return;
    }
    const refusal =
      error instanceof WebhookRefusal
        ? error
        : new WebhookRefusal(500, "INTERNAL", "internal error; send it again", { cause: error });
    const { status } = refusal.answer;
    this.#answer(exchange, refusal.answer);
    this.#observe({ route, status, reason: refusal.reason, receipt: undefined, cause: refusal.cause });
  }

  #answer(exchange: Exchange, answer: WebhookAnswer): void {
    const { request, response, isBodyComing } = exchange;
    const isUnread = hasBody(request) && !request.complete;
    sendAnswer(request, response, answer, {
      mustDrain: isUnread && isBodyComing,
      mustClose: this.#stop.isStopping || isUnread,
      lingerMs: this.#limits.lingerMs,
      lingerBytes: this.#limits.lingerBytes,
    });
  }

  #observe(outcome: WebhookOutcome): void {
    this.#options.observe?.(outcome);
  }
}
