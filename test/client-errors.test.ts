import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createClient, type InfobipRpcClient } from "../src/client/index.ts";
import { sms, TRANSPORTS } from "./client-rig.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

const closing: { close(): unknown }[] = [];
afterEach(async () => {
  for (const open of closing.splice(0).reverse()) await open.close();
});

async function startRig(): Promise<ServiceRig> {
  const rig = await startServiceRig();
  closing.push({ close: () => rig[Symbol.asyncDispose]() });
  return rig;
}

/** Clients of an address where nobody answers as a service does. */
function clientsOf(address: string): InfobipRpcClient[] {
  const clients = [
    createClient({ target: address }),
    createClient({ transport: "connect", baseUrl: `http://${address}` }),
  ];
  closing.push(...clients);
  return clients;
}

describe.each(TRANSPORTS)("errors of the client over %s", (_name, connectTo) => {
  it("carry reason, violations and what became of the messages", async () => {
    const client = connectTo(await startRig());
    closing.push(client);
    await expect(client.sendMessages({ messages: [] })).rejects.toMatchObject({
      name: "InfobipRpcError",
      code: "INVALID_ARGUMENT",
      reason: "REQUEST_INVALID",
      domain: "infobip-rpc",
      outcome: "NOT_SENT",
      violations: [expect.objectContaining({ field: "messages" })],
    });
    const missing = client.getMessage({ messageId: "nobody" });
    await expect(missing).rejects.toMatchObject({
      code: "NOT_FOUND",
      reason: "MESSAGE_UNKNOWN",
      outcome: undefined,
    });
  });

  it("tell how long to wait where the service does", async () => {
    const rig = await startRig();
    const client = connectTo(rig);
    closing.push(client);
    rig.simulator.injectFaults({ kind: "rate-limited", count: 100 });
    const sent = client.sendMessages(sms("1"), { timeoutMs: 1_000 });
    await expect(sent).rejects.toMatchObject({ reason: "UPSTREAM_RATE_LIMITED", outcome: "NOT_SENT" });
    await expect(sent).rejects.toSatisfy((error: { retryDelayMs: number }) => error.retryDelayMs > 0);
  });

  it("say UNKNOWN when the connection ends before the answer", async () => {
    const rig = await startRig();
    const client = connectTo(rig);
    closing.push(client);
    rig.simulator.injectFaults({ kind: "hang", count: 1 });
    const stop = new AbortController();
    const sent = client.sendMessages(sms("1"), { signal: stop.signal });
    await rig.simulator.whenReceived("messages", 1);
    stop.abort();
    await expect(sent).rejects.toMatchObject({ code: "CANCELLED", outcome: "UNKNOWN" });
  });
});

it("says NOT_SENT when nobody listens, and UNKNOWN when the deadline passes without a word", async () => {
  const server = createServer((socket) => closing.push({ close: () => socket.destroy() }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  for (const client of clientsOf(`127.0.0.1:${port}`)) {
    const silent = client.sendMessages(sms("1"), { timeoutMs: 100 });
    await expect(silent).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "UNKNOWN" });
    await client.close();
  }
  for (const open of closing.splice(0)) await open.close();
  await new Promise((resolve) => server.close(resolve));
  for (const client of clientsOf(`127.0.0.1:${port}`)) {
    const refused = client.sendMessages(sms("1"));
    await expect(refused).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "NOT_SENT",
      domain: undefined,
    });
  }
});

it.each([
  [{ target: "gateway:50051" }, true],
  [{ target: "dns:///gateway:50051" }, true],
  [{ target: "gateway:50051", tls: {} }, false],
  [{ target: "gateway:50051", insecureToken: true }, false],
  [{ target: "127.0.0.1:50051" }, false],
  [{ target: "unix:/run/infobip-rpc/grpc.sock" }, false],
  [{ transport: "connect", baseUrl: "http://gateway:8080" }, true],
  [{ transport: "connect", baseUrl: "https://gateway:8080" }, false],
  [{ transport: "connect", baseUrl: "http://[::1]:8080" }, false],
] as const)("a token in the clear to another machine is refused: %j %s", async (options, isRefused) => {
  const make = () => createClient({ ...options, token: "irpc_x" });
  if (isRefused) expect(make).toThrow("in the clear");
  else await make().close();
});
