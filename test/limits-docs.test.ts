import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ADMIN_LIMITS as ADMIN } from "../src/server/admin-listener.ts";
import { GRPC_LIMITS as GRPC } from "../src/server/grpc-listener.ts";
import { HTTP_LIMITS as HTTP } from "../src/server/http-listener.ts";
import { streamResetLimits } from "../src/server/stream-resets.ts";
import { MAX_HANDSHAKES } from "../src/server/tls/tls-front.ts";
import { DEFAULT_WEBHOOK_LIMITS as WEBHOOK } from "../src/webhook/webhook-limits.ts";

const page = await readFile(join(import.meta.dirname, "../docs/security.md"), "utf8");
const section = page.split(/^## /m).find((part) => part.startsWith("Limits\n")) ?? "";
/** The cells for the four listeners, by the first words of their row. */
const cells = new Map(
  section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "))
    .map(([name = "", ...values]) => [name, values.slice(0, 4)]),
);

const NONE = "–";

function time(ms: number): string {
  if (ms >= 3_600_000) return `${ms / 3_600_000} h`;
  return ms > 65_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

function size(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`;
}

function resets(streams: number): string {
  const { atOnce, perSecond } = streamResetLimits(streams);
  return `${atOnce} at once, ${perSecond} a second`;
}

test.each<[string, string[]]>([
  [
    "connections at once, handshakes among them",
    [GRPC, HTTP, WEBHOOK, ADMIN].map((each) => String(each.maxConnections)),
  ],
  ["TLS handshakes at once", [...Array(3).fill(String(MAX_HANDSHAKES)), NONE]],
  ["TLS handshake", [...[GRPC, HTTP, WEBHOOK].map((each) => time(each.handshakeTimeoutMs)), NONE]],
  [
    "first bytes of a connection",
    [GRPC.prefaceTimeoutMs, HTTP.headersTimeoutMs, WEBHOOK.headersTimeoutMs, ADMIN.requestTimeoutMs].map(
      time,
    ),
  ],
  [
    "header of a request, HTTP/1.1",
    [NONE, ...[HTTP.headersTimeoutMs, WEBHOOK.headersTimeoutMs, ADMIN.requestTimeoutMs].map(time)],
  ],
  [
    "header of a request, size",
    [GRPC.maxMetadataBytes, HTTP.maxHeaderBytes, WEBHOOK.maxHeaderBytes, ADMIN.maxHeaderBytes].map(size),
  ],
  ["request as a whole", [GRPC, HTTP, WEBHOOK, ADMIN].map((each) => time(each.requestTimeoutMs))],
  [
    "request as a whole, size",
    [GRPC.maxReceiveBytes, HTTP.maxReceiveBytes, WEBHOOK.maxBodyBytes].map(size).concat(NONE),
  ],
  ["deadline asked for", [NONE, time(HTTP.maxTimeoutMs), NONE, NONE]],
  [
    "calls at once on a connection, HTTP/2",
    [`${GRPC.maxConcurrentStreams}`, `${HTTP.maxConcurrentStreams}`, NONE, NONE],
  ],
  [
    "cancelled calls on a connection, HTTP/2",
    [resets(GRPC.maxConcurrentStreams), resets(HTTP.maxConcurrentStreams), NONE, NONE],
  ],
  [
    "connection without a call",
    [GRPC.maxConnectionIdleMs, HTTP.idleTimeoutMs, WEBHOOK.keepAliveTimeoutMs, ADMIN.idleTimeoutMs].map(time),
  ],
  [
    "PING to a silent client",
    [
      `every ${time(GRPC.keepaliveTimeMs)}, ${time(GRPC.keepaliveTimeoutMs)} for the answer`,
      NONE,
      NONE,
      NONE,
    ],
  ],
  [
    "age of a connection, ± 10 %, TCP only",
    [time(GRPC.maxConnectionAgeMs), time(HTTP.maxConnectionAgeMs), NONE, NONE],
  ],
  ["grace after that", [time(GRPC.maxConnectionAgeGraceMs), time(HTTP.maxConnectionAgeGraceMs), NONE, NONE]],
  ["requests a second", [NONE, NONE, String(WEBHOOK.maxRequestsPerSecond), NONE]],
  ["bytes of bodies held at once", [NONE, NONE, size(WEBHOOK.maxBufferedBytes), NONE]],
  ["storing what came", [NONE, NONE, time(WEBHOOK.appendTimeoutMs), NONE]],
])("the page tells the limit of %s as it is", (name, values) => {
  expect(cells.get(name)).toEqual(values);
});
