import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { toConnectError } from "../src/errors.ts";
import type { InfobipClientOptions } from "../src/infobip/client-options.ts";
import { API_KEY, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

interface Row {
  readonly title: string;
  readonly script: (socket: Socket) => void;
  readonly options?: Partial<InfobipClientOptions>;
  readonly code: Code;
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Record<string, string>;
  readonly retryDelayMs?: number;
}

const UPSTREAM = "api.infobip.com";
const OWN = "infobip-rpc";
const IDS = { message_ids: "m-1,m-2" };
/** What an upstream that repeats the credentials and a phone number would say. */
const ERROR_BODY = JSON.stringify({
  errorCode: "E000",
  description: `Key ${API_KEY} may not write to +385 91 234 5678.`,
  action: "Mend it.",
  violations: [],
  resources: [],
});

function answering(status: number, body = ERROR_BODY, headers: Record<string, string> = {}) {
  return (socket: Socket) => void socket.write(httpAnswer(status, body, headers));
}

function statusRow(
  status: number,
  code: Code,
  reason: string,
  outcome: string,
  more: Partial<Row> = {},
): Row {
  return {
    title: String(status),
    script: answering(status),
    code,
    reason,
    domain: UPSTREAM,
    metadata: {
      outcome,
      http_status: String(status),
      upstream_code: "E000",
      ...(outcome === "UNKNOWN" ? IDS : {}),
    },
    ...more,
  };
}

function uncertainRow(title: string, script: Row["script"], more: Partial<Row> = {}): Row {
  return {
    title,
    script,
    code: Code.Unknown,
    reason: "SEND_OUTCOME_UNKNOWN",
    domain: OWN,
    metadata: { outcome: "UNKNOWN", ...IDS },
    ...more,
  };
}

function badSuccess(title: string, body: string, more: Partial<Row> = {}): Row {
  return uncertainRow(title, answering(200, body), {
    domain: UPSTREAM,
    metadata: { outcome: "UNKNOWN", http_status: "200", fault: "ANSWER_NOT_READABLE", ...IDS },
    ...more,
  });
}

const NOW = Date.parse("2026-05-04T09:30:00Z");

const ROWS: readonly Row[] = [
  statusRow(400, Code.InvalidArgument, "UPSTREAM_REJECTED", "NOT_SENT"),
  statusRow(401, Code.Unauthenticated, "UPSTREAM_CREDENTIALS_REJECTED", "NOT_SENT"),
  statusRow(403, Code.PermissionDenied, "UPSTREAM_FORBIDDEN", "NOT_SENT"),
  statusRow(301, Code.Internal, "UPSTREAM_FAILED", "NOT_SENT", {
    script: answering(301, ERROR_BODY, { location: "/elsewhere" }),
  }),
  statusRow(307, Code.Internal, "UPSTREAM_FAILED", "NOT_SENT", {
    script: answering(307, ERROR_BODY, { location: "/elsewhere" }),
  }),
  statusRow(404, Code.Internal, "UPSTREAM_FAILED", "NOT_SENT"),
  statusRow(405, Code.Internal, "UPSTREAM_FAILED", "NOT_SENT"),
  statusRow(408, Code.Unknown, "SEND_OUTCOME_UNKNOWN", "UNKNOWN"),
  statusRow(413, Code.InvalidArgument, "REQUEST_TOO_LARGE", "NOT_SENT"),
  statusRow(415, Code.Internal, "UPSTREAM_FAILED", "NOT_SENT"),
  statusRow(429, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "NOT_SENT", { retryDelayMs: 1_000 }),
  statusRow(429, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "NOT_SENT", {
    title: "429 with seconds",
    script: answering(429, ERROR_BODY, { "retry-after": "7" }),
    retryDelayMs: 7_000,
  }),
  statusRow(429, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "NOT_SENT", {
    title: "429 with a date",
    script: answering(429, ERROR_BODY, { "retry-after": "Mon, 04 May 2026 09:30:12 GMT" }),
    retryDelayMs: 12_000,
  }),
  statusRow(429, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "NOT_SENT", {
    title: "429 with a delay of days",
    script: answering(429, ERROR_BODY, { "retry-after": "900000" }),
    retryDelayMs: 300_000,
  }),
  statusRow(429, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "NOT_SENT", {
    title: "429 with no delay",
    script: answering(429, ERROR_BODY, { "retry-after": "0" }),
    retryDelayMs: 100,
  }),
  statusRow(503, Code.Unavailable, "UPSTREAM_FAILED", "NOT_SENT", {
    title: "503 with a date that has passed",
    script: answering(503, ERROR_BODY, { "retry-after": "Mon, 04 May 2026 09:29:12 GMT" }),
    retryDelayMs: 100,
  }),
  statusRow(429, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "NOT_SENT", {
    title: "429 with nonsense",
    script: answering(429, ERROR_BODY, { "retry-after": "soon" }),
    retryDelayMs: 1_000,
  }),
  statusRow(500, Code.Internal, "UPSTREAM_FAILED", "UNKNOWN"),
  statusRow(501, Code.Internal, "UPSTREAM_FAILED", "UNKNOWN"),
  statusRow(502, Code.Unknown, "SEND_OUTCOME_UNKNOWN", "UNKNOWN"),
  statusRow(503, Code.Unavailable, "UPSTREAM_FAILED", "NOT_SENT", { retryDelayMs: 1_000 }),
  statusRow(504, Code.Unknown, "SEND_OUTCOME_UNKNOWN", "UNKNOWN"),
  statusRow(400, Code.InvalidArgument, "UPSTREAM_REJECTED", "NOT_SENT", {
    title: "400 with a proxy's page",
    script: answering(400, "<html><body>Bad request</body></html>"),
    metadata: { outcome: "NOT_SENT", http_status: "400" },
  }),
  statusRow(400, Code.InvalidArgument, "UPSTREAM_REJECTED", "NOT_SENT", {
    title: "400 without a body",
    script: answering(400, ""),
    metadata: { outcome: "NOT_SENT", http_status: "400" },
  }),
  statusRow(400, Code.InvalidArgument, "UPSTREAM_REJECTED", "NOT_SENT", {
    title: "400 whose body breaks off",
    script: (socket) => void socket.end('HTTP/1.1 400 Bad\r\ncontent-length: 500\r\n\r\n{"errorCode":"E4'),
    metadata: { outcome: "NOT_SENT", http_status: "400" },
  }),
  statusRow(400, Code.InvalidArgument, "UPSTREAM_REJECTED", "NOT_SENT", {
    title: "400 larger than the limit",
    script: answering(400, JSON.stringify({ description: "x".repeat(5_000) })),
    options: { maxResponseBytes: 1_000 },
    metadata: { outcome: "NOT_SENT", http_status: "400" },
  }),
  badSuccess("200 with a page", "<html>Welcome</html>"),
  badSuccess("200 without a body", ""),
  badSuccess("200 with JSON of another kind", '{"status":"ok"}'),
  badSuccess("200 with a JSON list", "[]"),
  badSuccess("200 with truncated JSON", '{"messages":[{"messageId":"m-'),
  badSuccess("200 larger than the limit", JSON.stringify({ messages: [], padding: "x".repeat(5_000) }), {
    options: { maxResponseBytes: 1_000 },
    metadata: { outcome: "UNKNOWN", http_status: "200", fault: "RESPONSE_TOO_LARGE", ...IDS },
  }),
  badSuccess("200 larger than the limit on a connection that ends", "", {
    script: answering(200, `{"messages":[],"padding":"${"x".repeat(5_000)}"}`, { connection: "close" }),
    options: { maxResponseBytes: 1_000 },
    metadata: { outcome: "UNKNOWN", http_status: "200", fault: "RESPONSE_TOO_LARGE", ...IDS },
  }),
  badSuccess("200 whose body breaks off", "", {
    script: (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"messages":[]'),
    metadata: { outcome: "UNKNOWN", http_status: "200", fault: "UND_ERR_SOCKET", ...IDS },
  }),
  badSuccess("200 whose body stalls", "", {
    script: (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"messages":[]'),
    options: { bodyTimeoutMs: 50 },
    metadata: { outcome: "UNKNOWN", http_status: "200", fault: "UND_ERR_BODY_TIMEOUT", ...IDS },
  }),
  uncertainRow("reset after the request", (socket) => void socket.resetAndDestroy(), {
    metadata: { outcome: "UNKNOWN", fault: "ECONNRESET", ...IDS },
  }),
  uncertainRow("closed after the request", (socket) => void socket.end(), {
    metadata: { outcome: "UNKNOWN", fault: "UND_ERR_SOCKET", ...IDS },
  }),
  uncertainRow(
    "early hints and then nothing",
    (socket) => void socket.end("HTTP/1.1 103 Early Hints\r\n\r\n"),
    {
      metadata: { outcome: "UNKNOWN", fault: "UND_ERR_SOCKET", ...IDS },
    },
  ),
  uncertainRow("no answer", () => {}, {
    options: { headersTimeoutMs: 50 },
    metadata: { outcome: "UNKNOWN", fault: "UND_ERR_HEADERS_TIMEOUT", ...IDS },
  }),
  uncertainRow("no answer within the longest call", () => {}, { options: { callTimeoutMs: 50 } }),
  uncertainRow("an answer that is no HTTP", (socket) => void socket.write(`${API_KEY} is my favourite\r\n`)),
];

test.each(ROWS)("$title", async (row) => {
  await using upstream = await startUpstream((_request, socket) => row.script(socket));
  await using client = clientOf(upstream.url, { now: () => NOW, ...row.options });

  const error = await errorOf(
    client.sendMessages("{}", { signal: new AbortController().signal, messageIds: ["m-1", "m-2"] }),
  );

  expect({ ...error, code: Code[error.code] }).toMatchObject({ reason: row.reason, domain: row.domain });
  expect(Code[error.code]).toBe(Code[row.code]);
  expect(error.metadata).toEqual(row.metadata);
  expect(error.retryDelayMs).toBe(row.retryDelayMs);
  expect(upstream.requests).toHaveLength(1);
  const details = toConnectError(error).details.map((detail) =>
    "desc" in detail ? detail.desc.typeName : "",
  );
  expect(details).toEqual(
    row.retryDelayMs === undefined
      ? ["google.rpc.ErrorInfo"]
      : ["google.rpc.ErrorInfo", "google.rpc.RetryInfo"],
  );
  const shown = `${inspect(error, { depth: 20 })}${JSON.stringify({ ...error, text: error.message, cause: error.cause })}`;
  expect(shown).not.toContain(API_KEY);
  expect(shown).not.toContain("234 5678");
});

interface UnreachableRow {
  readonly title: string;
  readonly url: () => Promise<string>;
  readonly fault: RegExp;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const UNREACHABLE: readonly UnreachableRow[] = [
  {
    title: "a closed port",
    url: async () => `http://127.0.0.1:${await closedPort()}`,
    fault: /^ECONNREFUSED$/,
  },
  { title: "an unknown host", url: async () => "https://nope.invalid", fault: /^(ENOTFOUND|EAI_AGAIN)$/ },
];

test.each(UNREACHABLE)("$title proves that nothing was sent", async ({ url, fault }) => {
  await using client = clientOf(await url());
  const error = await errorOf(
    client.sendMessages("{}", { signal: new AbortController().signal, messageIds: ["m-1"] }),
  );
  expect(error).toMatchObject({ code: Code.Unavailable, reason: "UPSTREAM_UNREACHABLE", domain: OWN });
  expect(error.metadata).toEqual({ outcome: "NOT_SENT", fault: expect.stringMatching(fault) });
});

test("TLS to a port that speaks none proves that nothing was sent", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using client = clientOf(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const error = await errorOf(client.sendMessages("{}", { signal: new AbortController().signal }));
  expect(error).toMatchObject({ code: Code.Unavailable, reason: "UPSTREAM_UNREACHABLE" });
  expect(error.metadata).toMatchObject({ outcome: "NOT_SENT" });
  server.close();
});

test("a TLS handshake that hangs ends with the connect timeout and proves that nothing was sent", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => {}))).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  await using client = clientOf(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    connectTimeoutMs: 50,
  });
  const error = await errorOf(client.sendMessages("{}", { signal: new AbortController().signal }));
  expect(error).toMatchObject({ code: Code.Unavailable, reason: "UPSTREAM_UNREACHABLE" });
  expect(error.metadata).toEqual({ outcome: "NOT_SENT", fault: "UND_ERR_CONNECT_TIMEOUT" });
  for (const socket of sockets) socket.destroy();
  server.close();
});
