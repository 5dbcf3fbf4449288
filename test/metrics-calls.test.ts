import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Client, credentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { type MetricsPage, readMetricsPage, scrape } from "./fixtures/metrics-page.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { validRequest } from "./server-rig.ts";

const PATIENCE = { timeout: 15_000, interval: 50 };
const NAME = "rpc_server_call_duration_seconds";
const SEND = "infobip.messages.v1.MessagesService/SendMessages";
const WATCH = "infobip.events.v1.EventsService/WatchEvents";

let rig: ServiceRig;
beforeEach(async () => {
  rig = await startServiceRig({ publicUrl: false });
});
afterEach(() => rig[Symbol.asyncDispose]());

const labels = (system: string, method: string, status: string, error?: string) => ({
  rpc_system_name: system,
  rpc_method: method,
  rpc_status_code: status,
  ...(error === undefined ? {} : { error_type: error }),
});

/** Series that have counted something, with how much. */
function counted(page: MetricsPage): [Readonly<Record<string, string>>, number][] {
  return page
    .samples(`${NAME}_count`)
    .map((each): [Readonly<Record<string, string>>, number] => [
      each,
      page.value(`${NAME}_count`, { ...each, error_type: each.error_type as string }),
    ])
    .filter(([, count]) => count > 0);
}

test("unary calls have a histogram by protocol, method, status and reason, with the labels of the conventions", async () => {
  const { messages, addresses } = rig;
  const web = createClient(
    MessagesService,
    createGrpcWebTransport({ baseUrl: `http://${addresses.http}`, httpVersion: "1.1" }),
  );
  const connect = createClient(
    MessagesService,
    createConnectTransport({ baseUrl: `http://${addresses.http}`, httpVersion: "1.1" }),
  );
  await messages.sendMessages(validRequest("Shop"));
  await web.sendMessages(validRequest("Shop"));
  await connect.sendMessages(validRequest("Shop"));
  await expect(connect.sendMessages({})).rejects.toThrow("messages");
  await expect(messages.getSubmission({ name: "submissions/nothing" })).rejects.toThrow();
  const page = await scrape(addresses.admin);
  const submission = "infobip.messages.v1.MessagesService/GetSubmission";
  const [, missing] = counted(page).find(([each]) => each.rpc_method === submission) ?? [];
  expect(missing).toBe(1);
  expect(counted(page).filter(([each]) => each.rpc_method === SEND)).toEqual(
    expect.arrayContaining([
      [labels("grpc", SEND, "OK"), 2],
      [labels("connectrpc", SEND, "OK"), 1],
      [labels("connectrpc", SEND, "INVALID_ARGUMENT", "REQUEST_INVALID"), 1],
    ]),
  );
  expect(counted(page)).toHaveLength(4);
  expect(page.metrics.get(NAME)?.type).toBe("histogram");
  const bounds = page
    .samples(`${NAME}_bucket`)
    .filter((each) => each.rpc_method === SEND && each.rpc_system_name === "grpc")
    .map(({ le }) => le);
  expect(new Set(bounds)).toEqual(
    new Set("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf".split(" ")),
  );
  const sum = page.value(`${NAME}_sum`, labels("connectrpc", SEND, "OK"));
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(5);
});

test("names that callers make up count as _OTHER, however many there are", async () => {
  const { http, admin } = rig.addresses;
  for (const method of ["infobip.messages.v1.MessagesService/Invented", "a.B/C", "a.B/D"]) {
    await fetch(`http://${http}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: "{}",
    });
  }
  const page = await scrape(admin);
  expect(counted(page)).toEqual([[labels("connectrpc", "_OTHER", "UNIMPLEMENTED", "METHOD_UNKNOWN"), 3]]);
});

test("unknown methods of gRPC are _OTHER too; health is not counted", async () => {
  const { grpc, admin } = rig.addresses;
  const client = new Client(grpc, credentials.createInsecure());
  const bytes = (message: Buffer) => message;
  const call = (path: string) =>
    new Promise<number>((resolve) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), (error) => resolve(error?.code ?? 0));
    });
  expect(await call("/a.B/C")).toBe(status.UNIMPLEMENTED);
  expect(await call("/grpc.health.v1.Health/Check")).toBe(status.OK);
  client.close();
  expect(counted(await scrape(admin))).toEqual([
    [labels("grpc", "_OTHER", "UNIMPLEMENTED", "METHOD_UNKNOWN"), 1],
  ]);
});

test("no name that comes from outside becomes a label, whoever tells of the call", async () => {
  await using metrics = createMetrics({ now: Date.now });
  const error = { code: Code.Unimplemented, reason: "METHOD_UNKNOWN" } as const;
  metrics.rpc.refused({ method: "a.B/C", protocol: "grpc", error });
  metrics.rpc.ended({
    method: "a.B/D",
    protocol: "connect",
    code: undefined,
    reason: undefined,
    durationMs: 1,
  });
  const methods = counted(readMetricsPage(await metrics.page())).map(([each]) => each.rpc_method);
  expect(methods).toEqual(["_OTHER", "_OTHER"]);
});

test("calls that a listener refuses before they are read count by their method", async () => {
  const { http, admin } = rig.addresses;
  const response = await fetch(`http://${http}/${SEND}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: "no JSON",
  });
  expect(response.status).toBe(400);
  const [[refused, count] = [], ...others] = counted(await scrape(admin));
  expect([refused?.rpc_method, refused?.rpc_status_code, count, others]).toEqual([
    SEND,
    "INVALID_ARGUMENT",
    1,
    [],
  ]);
});

test("a fault of the service counts from 0 on, and no error of a caller does", async () => {
  await using faulty = await startServiceRig({
    publicUrl: false,
    ports: {
      newMessageId: () => {
        throw new Error("no id today");
      },
    },
  });
  const { admin } = faulty.addresses;
  const faults = async () => (await scrape(admin)).value("infobip_rpc_internal_errors_total");
  expect(await faults()).toBe(0);
  const request = validRequest("Shop");
  await expect(faulty.messages.sendMessages(request)).rejects.toMatchObject({ code: Code.Internal });
  expect(await faults()).toBe(1);
  await expect(faulty.messages.sendMessages({})).rejects.toMatchObject({ code: Code.InvalidArgument });
  expect(await faults()).toBe(1);
});

test("streams count while they are open, by their frames, and by how they ended", async () => {
  const { admin } = rig.addresses;
  const call = new AbortController();
  const frames = rig.events.watchEvents({}, { signal: call.signal })[Symbol.asyncIterator]();
  await frames.next();
  const open = await scrape(admin);
  expect(open.value("infobip_rpc_streams", { rpc_method: WATCH })).toBe(1);
  expect(open.value("infobip_rpc_watch_lag_events")).toBe(0);
  const frameCount = (direction: string) =>
    open.value("infobip_rpc_stream_frames_total", { rpc_method: WATCH, direction });
  expect([frameCount("sent"), frameCount("received")]).toEqual([1, 0]);
  call.abort();
  await frames.next().catch(() => undefined);
  await expect
    .poll(async () => (await scrape(admin)).value("infobip_rpc_streams", { rpc_method: WATCH }), PATIENCE)
    .toBe(0);
  await expect
    .poll(
      async () =>
        (await scrape(admin))
          .samples("infobip_rpc_streams_ended_total")
          .filter((each) => each.rpc_method === WATCH && each.error_type !== undefined)
          .map((each) => each.rpc_status_code),
      PATIENCE,
    )
    .toEqual(["CANCELLED"]);
  const rejected = rig.events
    .watchEvents({ from: { case: "cursor", value: "none" } })
    [Symbol.asyncIterator]();
  await expect(rejected.next()).rejects.toThrow();
  const page = await scrape(admin);
  expect(counted(page)).toEqual([]);
  expect(page.samples("infobip_rpc_streams_ended_total")).toContainEqual(
    labels("grpc", WATCH, "INVALID_ARGUMENT", expect.stringMatching(/^[A-Z_]+$/)),
  );
});
