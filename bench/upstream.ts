import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { announce, type ChildServer, startChildServer } from "./child-server.ts";

/** What an upstream has been asked since it started. */
export interface UpstreamCounts {
  readonly requests: number;
  /** Destinations of all requests. */
  readonly messages: number;
}

/** The least upstream there can be: takes every message and answers at once. */
export interface Upstream extends AsyncDisposable {
  /** http://host:port */
  readonly url: string;
  counts(): Promise<UpstreamCounts>;
}

/** Starts an upstream in a process of its own; `delayMs` is how long each answer takes. */
export async function startUpstream(delayMs = 0): Promise<Upstream> {
  const child: ChildServer = await startChildServer(new URL(import.meta.url), [String(delayMs)]);
  return {
    url: `http://${child.address}`,
    counts: async () => (await child.ask("counts")) as UpstreamCounts,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

const PATH = "/messages-api/1/messages";
/** Longer than any pause of the benchmark, so that no request meets a connection that closes. */
const KEEP_ALIVE_MS = 120_000;
const PENDING = JSON.stringify({
  groupId: 1,
  groupName: "PENDING",
  id: 26,
  name: "PENDING_ACCEPTED",
  description: "Message accepted, pending for delivery.",
});

interface RequestBody {
  readonly messages: readonly {
    readonly destinations: readonly { readonly to: string; readonly messageId?: string }[];
  }[];
}

/** Answers one request: its JSON, and how many destinations it has. */
function answer(text: string): { readonly body: string; readonly messages: number } {
  const results: string[] = [];
  for (const { destinations } of (JSON.parse(text) as RequestBody).messages) {
    for (const { to, messageId } of destinations) {
      const id = JSON.stringify(messageId ?? randomUUID());
      results.push(`{"messageId":${id},"status":${PENDING},"destination":${JSON.stringify(to)}}`);
    }
  }
  return {
    body: `{"bulkId":"${randomUUID()}","messages":[${results.join(",")}]}`,
    messages: results.length,
  };
}

function readBody(request: IncomingMessage, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () =>
    done((chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)).toString()),
  );
}

function write(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

function serve(delayMs: number): void {
  let requests = 0;
  let messages = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    if (request.method !== "POST" || request.url !== PATH) return write(response, 404, "{}");
    readBody(request, (text) => {
      const { body, messages: taken } = answer(text);
      requests++;
      messages += taken;
      if (delayMs === 0) write(response, 200, body);
      else setTimeout(write, delayMs, response, 200, body);
    });
  });
  process.on("message", () => process.send?.({ requests, messages }));
  server.listen(0, "127.0.0.1", () => announce(`127.0.0.1:${(server.address() as AddressInfo).port}`));
}

if (process.argv[1] === new URL(import.meta.url).pathname) serve(Number(process.argv[2]));
