import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ListenAddress } from "../config/listen-address.ts";
import { listen } from "./listen.ts";
import { ServerStop } from "./server-stop.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 100;
const STOP_GRACE_MS = 1_000;
const METRICS_PAGE = "/metrics";
/** The format that every Prometheus reads. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const JSON_TYPE = "application/json";

/** State of one thing that the service depends on. */
export interface Check {
  readonly ok: boolean;
  /** Why not, for operators. Never a secret. */
  readonly reason?: string;
}

/** States by the name of the dependency. */
export type Checks = Readonly<Record<string, Check>>;

/** Settings of an {@link AdminListener}. */
export interface AdminListenerOptions {
  readonly listen: ListenAddress;
  /** Whether the service should get traffic now, by what it depends on. */
  readonly checks: () => Checks;
  /** Metrics in Prometheus' text format. Without it there is no such page. */
  readonly metrics?: () => Promise<string>;
}

/**
 * Answers probes with JSON: 200 when the page's checks hold, 503 when one does
 * not. `/readyz` is the checks as they are now. `/startupz` is the same until
 * they have all held once, and 200 from then on. `/livez` is 200 as long as
 * the process answers, because a restart would not mend a dependency. A check
 * that throws counts as failed. `/metrics` is the metrics.
 */
export class AdminListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #stop: ServerStop;
  readonly #checks: () => Checks;
  readonly #metrics: (() => Promise<string>) | undefined;
  /** The pages of checks. */
  readonly #pages: ReadonlyMap<string, () => Checks>;
  #hasStarted = false;
  #address: ListenAddress;

  private constructor(options: AdminListenerOptions) {
    this.#checks = options.checks;
    this.#metrics = options.metrics;
    this.#pages = new Map([
      ["/startupz", () => this.#startup()],
      ["/livez", () => ({})],
      ["/readyz", () => this.#readiness()],
    ]);
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#stop = new ServerStop(this.#server);
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#address = options.listen;
  }

  /** Starts to listen. Rejects when the address cannot be had. */
  static async start(options: AdminListenerOptions): Promise<AdminListener> {
    const listener = new AdminListener(options);
    listener.#address = await listen(listener.#server, options.listen);
    return listener;
  }

  /** Where it listens, with the port it got. */
  get address(): ListenAddress {
    return this.#address;
  }

  /** Stops: idle connections end at once, answers in flight have a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop.stop(STOP_GRACE_MS);
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stop.isStopping) response.setHeader("connection", "close");
    const path = (request.url ?? "").split("?")[0] ?? "";
    const metrics = path === METRICS_PAGE ? this.#metrics : undefined;
    const page = this.#pages.get(path);
    if (page === undefined && metrics === undefined) {
      const pages = [...this.#pages.keys(), ...(this.#metrics ? [METRICS_PAGE] : [])];
      send(response, 404, { error: "NOT_FOUND", pages });
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      send(response, 405, { error: "METHOD_NOT_ALLOWED" });
    } else if (metrics !== undefined) {
      await sendMetrics(response, metrics);
    } else if (page !== undefined) {
      const checks = page();
      const ok = allHold(checks);
      send(response, ok ? 200 : 503, { ok, checks });
    }
  }

  #startup(): Checks {
    return this.#hasStarted ? {} : this.#readiness();
  }

  #readiness(): Checks {
    const checks = runChecks(this.#checks);
    this.#hasStarted ||= allHold(checks);
    return checks;
  }
}

function allHold(checks: Checks): boolean {
  return Object.values(checks).every((check) => check.ok);
}

function runChecks(checks: () => Checks): Checks {
  try {
    return checks();
  } catch {
    return { checks: { ok: false, reason: "the checks themselves failed" } };
  }
}

async function sendMetrics(response: ServerResponse, metrics: () => Promise<string>): Promise<void> {
  try {
    sendText(response, 200, METRICS_TYPE, await metrics());
  } catch {
    send(response, 503, { error: "METRICS_UNAVAILABLE" });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  sendText(response, status, JSON_TYPE, `${JSON.stringify(body)}\n`);
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
