import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isLocalAddress, type ListenAddress } from "../config/listen-address.ts";
import type { EventLog } from "../eventlog/event-log.ts";
import type { Secret } from "../secret.ts";
import { WebhookAuthentication } from "../webhook/authentication.ts";
import type { IntakeTracing } from "../webhook/intake-trace.ts";
import type { Receipt } from "../webhook/receiver.ts";
import { WEBHOOK_ROUTES, type WebhookRoute } from "../webhook/report-kind.ts";
import { hasBody, SenderGone } from "../webhook/request-body.ts";
import { type WebhookAnswer, WebhookRefusal, type WebhookRefusalReason } from "../webhook/webhook-answer.ts";
import { secretAlone, type WebhookSecurity } from "../webhook/webhook-checks.ts";
import { WebhookIntake } from "../webhook/webhook-intake.ts";
import { DEFAULT_WEBHOOK_LIMITS, type WebhookLimits } from "../webhook/webhook-limits.ts";
import { readWebhookPath } from "../webhook/webhook-path.ts";
import { ServerStop } from "./server-stop.ts";
import { connectionTaker, SocketFront } from "./socket-front.ts";
import type { TlsCredentials } from "./tls/tls-credentials.ts";
import { sendAnswer } from "./webhook-response.ts";
import { createWebhookServer } from "./webhook-server.ts";

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
  /** With them a TCP address speaks TLS. */
  readonly tls?: TlsCredentials | undefined;
  /** Last segment of the paths. Without one the paths end before it. */
  readonly secret: Secret | undefined;
  /** What else webhooks are known by. Default: the secret alone. A route that asks for nothing needs a local address. */
  readonly security?: WebhookSecurity;
  readonly log: Pick<EventLog, "append">;
  readonly limits?: Partial<WebhookLimits>;
  /** What bodies have to do with traces. */
  readonly tracing?: IntakeTracing;
  /** Called once for each request. Must not throw. */
  readonly observe?: (outcome: WebhookOutcome) => void;
  /** Milliseconds on a clock that never goes back. Default: performance.now. */
  readonly monotonicNow?: () => number;
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
  readonly #intake: WebhookIntake;
  readonly #server: Server;
  readonly #stop: ServerStop;
  readonly #take: (socket: Socket) => void;
  readonly #front: SocketFront;
  #address: ListenAddress;

  private constructor(options: WebhookListenerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_WEBHOOK_LIMITS, ...options.limits };
    this.#intake = new WebhookIntake({
      ...options.tracing,
      log: options.log,
      limits: this.#limits,
      authentication: new WebhookAuthentication(options.secret, securityOf(options)),
      monotonicNow: options.monotonicNow ?? (() => performance.now()),
    });
    this.#server = this.#createServer();
    this.#stop = new ServerStop(this.#server);
    this.#take = connectionTaker(this.#server);
    this.#front = new SocketFront({
      server: this.#server,
      address: options.listen,
      tls: options.tls,
      protocols: ["http/1.1"],
      maxConnections: this.#limits.maxConnections,
      handshakeTimeoutMs: this.#limits.handshakeTimeoutMs,
    });
    this.#address = options.listen;
  }

  /**
   * Starts to listen. Rejects when the address cannot be had, when a route asks
   * for what is not configured, or for nothing on an address that is not local.
   */
  static async start(options: WebhookListenerOptions): Promise<WebhookListener> {
    const open = WEBHOOK_ROUTES.find((route) => securityOf(options).require[route].length === 0);
    if (open !== undefined && !isLocalAddress(options.listen)) {
      throw new Error(
        `webhook.secret must be set when webhook.listen can be reached from other machines, or webhook.${open}.require name another check`,
      );
    }
    const listener = new WebhookListener(options);
    listener.#address = await listener.#front.start(listener.#take);
    return listener;
  }

  /** Where it listens, with the port it got. */
  get address(): ListenAddress {
    return this.#address;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#front.connections;
  }

  /**
   * Stops. Connections without a complete header, and idle ones, end at once;
   * requests in flight have `graceMs` milliseconds for their answers, which
   * close their connections. May be called again: the shortest grace counts.
   */
  stop(graceMs: number): Promise<void> {
    const stopped = this.#stop.stop(graceMs);
    this.#front.closeSilent();
    return stopped;
  }

  /** Stops with the grace of the limits, which is short. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(this.#limits.stopGraceMs);
    this.#front[Symbol.dispose]();
  }

  #createServer(): Server {
    const server = createWebhookServer(this.#limits);
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
    const path = readWebhookPath(request.url ?? "");
    const { route } = path;
    try {
      const receipt = await this.#intake.take(request, path, () => invite(exchange));
      const body = { stored: receipt.appended, repeated: receipt.duplicates, unparsed: receipt.unparsed };
      this.#answer(exchange, { status: 200, body });
      this.#observe({ route, status: 200, reason: undefined, receipt, cause: undefined });
    } catch (error) {
      this.#refuse(route, exchange, error);
    }
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

function securityOf({ secret, security }: WebhookListenerOptions): WebhookSecurity {
  return security ?? secretAlone(secret);
}

/** Tells a sender that waits for it to go on with the body. */
function invite(exchange: Exchange): void {
  if (!exchange.isBodyComing) exchange.response.writeContinue();
  exchange.isBodyComing = true;
}
