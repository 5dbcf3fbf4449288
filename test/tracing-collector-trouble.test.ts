import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import type { TracesConfig } from "../src/config/traces-config.ts";
import { Secret } from "../src/secret.ts";
import { openTracing, type SpanExportFailure, type Tracing } from "../src/telemetry/tracing/tracing.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { startCollector } from "./fixtures/otlp-collector.ts";

function open(
  url: string,
  change: Partial<TracesConfig> = {},
  failures: SpanExportFailure[] = [],
): Promise<Tracing> {
  const traces: TracesConfig = {
    endpoint: new Secret(`${url}/v1/traces`),
    headers: { "x-api-key": new Secret("of-the-collector") },
    timeoutMs: 10_000,
    compression: "none",
    sampler: { followsCaller: true, ratio: 1 },
    batch: { delayMs: 600_000, maxQueued: 10, maxSpans: 10 },
    ...change,
  };
  return openTracing({
    telemetry: {
      traces,
      resource: { serviceName: "shop", attributes: { "deployment.environment": "test" } },
    },
    upstream: { host: "api.infobip.com", port: 443 },
    onFailure: (failure) => failures.push(failure),
  });
}

function call(tracing: Tracing): void {
  const end = tracing.begin(MessagesService.method.sendMessages, plainCall());
  end?.({ method: "", code: undefined, reason: undefined, durationMs: 1, protocol: "grpc", caller: "shop" });
}

test("exports with the headers, compression and resource that are configured", async () => {
  await using collector = await startCollector();
  await using tracing = await open(collector.url, { compression: "gzip" });
  call(tracing);
  await tracing.flush(5_000);
  expect(collector.headers[0]).toMatchObject({ "x-api-key": "of-the-collector", "content-encoding": "gzip" });
  expect(collector.spans[0]?.resource).toMatchObject({
    "service.name": "shop",
    "deployment.environment": "test",
  });
  expect(collector.spans[0]?.attributes).toMatchObject({ "infobip_rpc.caller": "shop" });
});

test("drops what is beyond the queue, and tells of what the collector refuses", async () => {
  await using collector = await startCollector();
  const failures: SpanExportFailure[] = [];
  await using tracing = await open(
    collector.url,
    { batch: { delayMs: 600_000, maxQueued: 10, maxSpans: 10 } },
    failures,
  );
  collector.answerWith(400);
  for (let n = 0; n < 50; n++) call(tracing);
  await tracing.flush(5_000);
  // A full batch leaves at once, and a queue of ten waits behind it.
  expect(failures.map(({ spans }) => spans)).toEqual([10, 10]);
  expect(failures[0]?.error).toBeInstanceOf(Error);
});

test("waits for a collector that hangs no longer than it may", async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const failures: SpanExportFailure[] = [];
  const tracing = await open(`http://127.0.0.1:${port}`, {}, failures);
  call(tracing);
  const startedAt = performance.now();
  await tracing.flush(50);
  await tracing[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
