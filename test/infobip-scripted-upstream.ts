import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ServiceError } from "../src/errors.ts";
import type { InfobipClientOptions } from "../src/infobip/client-options.ts";
import { createInfobipClient } from "../src/infobip/create-infobip-client.ts";
import { Secret } from "../src/secret.ts";

export const API_KEY = "k3y-of-the-tests-d41d8cd9";

/** One request as it came in. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Resolves once that many requests have come in whole. */
  seen(count: number): Promise<void>;
  connections(): number;
}

/** A TCP server that reads HTTP requests and leaves every byte of the answer to the script. */
export async function startUpstream(
  script: (request: SeenRequest, socket: Socket, index: number) => void,
): Promise<Upstream> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const waiters: { count: number; resolve: () => void }[] = [];
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    let pending: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      const request = takeRequest(pending);
      if (!request) return;
      pending = Buffer.from(pending.subarray(request.size));
      const index = requests.push(request.seen) - 1;
      for (const waiter of waiters) if (requests.length >= waiter.count) waiter.resolve();
      script(request.seen, socket, index);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => accepted,
    seen: (count) => {
      if (requests.length >= count) return Promise.resolve();
      return new Promise((resolve) => waiters.push({ count, resolve }));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function takeRequest(bytes: Buffer): { seen: SeenRequest; size: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const size = end + 4 + Number(headers["content-length"] ?? 0);
  if (bytes.length < size) return undefined;
  return {
    seen: { path: first.split(" ")[1] ?? "", headers, body: bytes.toString("utf8", end + 4, size) },
    size,
  };
}

/** Text of a whole HTTP answer. */
export function httpAnswer(
  status: number,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): string {
  const all = { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n${body}`;
}

export const ACCEPTED = JSON.stringify({
  bulkId: "bulk",
  messages: [{ messageId: "m-1", status: { groupId: 1, groupName: "PENDING", id: 26 }, destination: "1" }],
});

/** A client with the test's API key and short limits. */
export function clientOf(baseUrl: string, options: Partial<InfobipClientOptions> = {}) {
  return createInfobipClient({
    baseUrl,
    credentials: { type: "app", apiKey: new Secret(API_KEY) },
    closeTimeoutMs: 100,
    ...options,
  });
}

/** The ServiceError that a call must end with. */
export async function errorOf(call: Promise<unknown>): Promise<ServiceError> {
  const result = await call.then(
    () => new Error("the call succeeded"),
    (error: unknown) => error,
  );
  if (result instanceof ServiceError) return result;
  throw result;
}
