import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ListenAddress } from "../config/listen-address.ts";
import type { LevelPort } from "../log-level.ts";
import { type AdminAnswer, type AdminPage, indexPage, jsonAnswer } from "./admin-page.ts";
import { listen } from "./listen.ts";
import { logLevelPage } from "./log-level-page.ts";
import { type ProbeAnswer, type ProbeSources, Probes } from "./probes.ts";
import { ServerStop } from "./server-stop.ts";

/** Limits of the admin listener and their defaults. */
export const ADMIN_LIMITS = {
  /** A request must be received as a whole within so many milliseconds; a connection that says nothing has as long. */
  requestTimeoutMs: 5_000,
  /** A connection without a request is closed after so many milliseconds. */
  idleTimeoutMs: 65_000,
  /** Most connections at once. */
  maxConnections: 100,
  /** Most header bytes of one request. */
  maxHeaderBytes: 16 * 1024,
} as const;

/** What a limit of {@link ADMIN_LIMITS} can be set to. */
export type AdminLimits = { readonly [K in keyof typeof ADMIN_LIMITS]: number };

/** How often connections are checked for their timeouts, in milliseconds. */
const TIMEOUT_CHECK_MS = 1_000;
const STOP_GRACE_MS = 1_000;
/** The format that every Prometheus reads. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type { Check, Checks } from "./role-check.ts";

/** Settings of an {@link AdminListener}. What is left out has no page. */
export interface AdminListenerOptions extends ProbeSources {
  readonly listen: ListenAddress;
  /** Metrics in Prometheus' text format. */
  readonly metrics?: () => Promise<string>;
  /** What the service has open, for people. Holds no secret and no id of a person. */
  readonly status?: () => Promise<object>;
  readonly logLevel?: LevelPort;
  readonly limits?: Partial<AdminLimits>;
}

/**
 * Answers probes with JSON: 200 when the page's checks hold, 503 when one does
 * not. `/readyz` is the checks as they are now. `/startupz` is the same until
 * they have all held once, and 200 from then on. Where there are checks of
 * roles those decide, and both pages answer for one of them alone with
 * `?role=send`; 400 when there is no such role, 503 when this process does not
 * have it. `/livez` is 200 as long as the process answers, because a restart
 * would not mend a dependency. A check that throws counts as failed. `/metrics`
 * is the metrics, `/statusz` what is open, `/loglevel` the level of the log,
 * which only this machine may change; all else only reads. `/` lists the pages.
 */
export class AdminListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #stop: ServerStop;
  readonly #pages: ReadonlyMap<string, AdminPage>;
  #address: ListenAddress;

  private constructor(options: AdminListenerOptions) {
    this.#pages = createPages(options);
    const limits: AdminLimits = { ...ADMIN_LIMITS, ...options.limits };
    this.#server = createServer({
      requestTimeout: limits.requestTimeoutMs,
      headersTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    this.#server.maxConnections = limits.maxConnections;
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

  /** Connections that are open. */
  get connections(): number {
    return this.#stop.connections;
  }

  /** Stops: idle connections end at once, answers in flight have a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop.stop(STOP_GRACE_MS);
  }

  /** Never rejects. */
  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stop.isStopping) response.setHeader("connection", "close");
    const [path = "", query = ""] = (incoming.url ?? "").split("?", 2);
    const page = this.#pages.get(path);
    const method = METHODS.get(incoming.method ?? "");
    if (page === undefined) {
      send(response, jsonAnswer(404, { error: "NOT_FOUND", pages: [...this.#pages.keys()] }));
    } else if (method === undefined || !page.methods.includes(method)) {
      const allow = page.methods.map((name) => (name === "GET" ? "GET, HEAD" : name)).join(", ");
      send(response, jsonAnswer(405, { error: "METHOD_NOT_ALLOWED" }, { allow }));
    } else {
      send(response, await answerOf(page, path, { method, query, incoming }));
    }
  }
}

const METHODS: ReadonlyMap<string, "GET" | "PUT"> = new Map([
  ["GET", "GET"],
  ["HEAD", "GET"],
  ["PUT", "PUT"],
]);

function createPages(options: AdminListenerOptions): ReadonlyMap<string, AdminPage> {
  const { metrics, status, logLevel } = options;
  const probes = new Probes(options);
  const pages = new Map<string, AdminPage>();
  pages.set("/", indexPage(pages));
  const probe = (title: string, ask: (query: string) => ProbeAnswer): AdminPage => ({
    title,
    methods: ["GET"],
    answer: ({ query }) => {
      const { status: code, body } = ask(query);
      return jsonAnswer(code, body);
    },
  });
  pages.set(
    "/startupz",
    probe("has it started? 200 or 503", (query) => probes.started(query)),
  );
  pages.set(
    "/livez",
    probe("does the process answer? 200", () => probes.live()),
  );
  pages.set(
    "/readyz",
    probe("can it do its work now? 200 or 503, ?role= for one", (query) => probes.ready(query)),
  );
  if (metrics) pages.set("/metrics", metricsPage(metrics));
  if (status) pages.set("/statusz", statusPage(status));
  if (logLevel) pages.set("/loglevel", logLevelPage(logLevel, options.listen.kind === "unix"));
  return pages;
}

function metricsPage(metrics: () => Promise<string>): AdminPage {
  return {
    title: "metrics for Prometheus",
    methods: ["GET"],
    answer: async () => ({ status: 200, type: METRICS_TYPE, text: await metrics() }),
  };
}

function statusPage(status: () => Promise<object>): AdminPage {
  return {
    title: "what is open: connections, streams, log, subscriptions, queue, outbox",
    methods: ["GET"],
    answer: async () => jsonAnswer(200, await status()),
  };
}

/** Never rejects, and tells nothing of why a page failed. */
async function answerOf(
  page: AdminPage,
  path: string,
  request: Parameters<AdminPage["answer"]>[0],
): Promise<AdminAnswer> {
  try {
    return await page.answer(request);
  } catch {
    return jsonAnswer(503, { error: `${path.slice(1).toUpperCase()}_UNAVAILABLE` });
  }
}

function send(response: ServerResponse, { status, type, text, headers }: AdminAnswer): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(text);
}
