import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { createClient } from "../src/client/index.ts";
import { sms } from "./client-rig.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

const PROGRAM = new URL("fixtures/client-process.ts", import.meta.url).pathname;

let rig: ServiceRig;
afterEach(() => rig[Symbol.asyncDispose]());

describe.each(["grpc", "connect"] as const)("the %s client, once closed", (transport) => {
  it("lets its process end by itself", async () => {
    rig = await startServiceRig();
    await rig.messages.sendMessages(sms("1"));
    const address = transport === "grpc" ? rig.addresses.grpc : rig.addresses.http;
    // A process that does not end is killed, and the promise then rejects.
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, transport, address], {
      timeout: 15_000,
    });
    expect(stdout).toBe("closed\n");
  });

  it("has closed its connections", async () => {
    rig = await startServiceRig();
    const [, port] = (transport === "grpc" ? rig.addresses.grpc : rig.addresses.http).split(":");
    const sockets: Socket[] = [];
    const relay = createServer((socket) => {
      sockets.push(socket);
      const further = connect(Number(port), "127.0.0.1");
      socket.on("error", () => further.destroy()).pipe(further);
      further.on("error", () => socket.destroy()).pipe(socket);
    });
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    const address = `127.0.0.1:${(relay.address() as { port: number }).port}`;
    const client =
      transport === "grpc"
        ? createClient({ target: address })
        : createClient({ transport, baseUrl: `http://${address}` });
    await client.sendMessages(sms("1"));
    await client.watchEvents({ from: "earliest" }).next();
    expect(sockets.length).toBeGreaterThan(0);
    await client.close();
    // Resolves only when no connection is left.
    await new Promise((resolve) => relay.close(resolve));
  });
});
