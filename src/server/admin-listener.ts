import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ListenAddress } from "../config/listen-address.ts";
import { listen } from "./listen.ts";
import { type ProbeAnswer, type ProbeSources, Probes } from "./probes.ts";
import { ServerStop } from "./server-stop.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 100;
const STOP_GRACE_MS = 1_000;
const METRICS_PAGE = "/metrics";
/** The format that every Prometheus reads. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const JSON_TYPE = "application/json";

export type { Check, Checks } from "./role-check.ts";

/** Settings of an {@link AdminListener}. */
export interface AdminListenerOptions extends ProbeSources {
  readonly listen: ListenAddress;
  /** Metrics in Prometheus' text format. Without it there is no such page. */
  readonly metrics?: () => Promise<string>;
}

/**
 * Answers probes with JSON: 200 when the page's checks hold, 503 when one does
 * not. `/readyz` is the checks as they are now. `/startupz` is the same until
 * they have all held once, and 200 from then on. Where there are checks of
 * roles those decide, and both pages answer for one of them alone with
 * `?role=send`; 400 when there is no such role, 503 when this process does not
 * have it. `/livez` is 200 as long as the process answers, because a restart
 * would not mend a dependency. A check that throws counts as failed. `/metrics`
 * is the metrics.
 */
export class AdminListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #stop: ServerStop;
  readonly #metrics: (() => Promise<string>) | undefined;
  /** The pages of checks; they take the query, without its question mark. */
  readonly #pages: ReadonlyMap<string, (query: string) => ProbeAnswer>;
  #address: ListenAddress;

  private constructor(options: AdminListenerOptions) {
    this.#metrics = options.metrics;
    const probes = new Probes(options);
    this.#pages = new Map([
      ["/startupz", (query: string) => probes.started(query)],
      ["/livez", () => probes.live()],
      ["/readyz", (query: string) => probes.ready(query)],
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
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
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
      const { status, body } = page(query);
      send(response, status, body);
    }
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
