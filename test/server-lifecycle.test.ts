import { once } from "node:events";
import { chmodSync, existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { createGrpcListener } from "../src/server/grpc-listener.ts";
import { CLIENTS, failure } from "./server-clients.ts";
import { aborted, echo, Rig, signalled, startedFrame, validRequest } from "./server-rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

async function drain(graceMs: number): Promise<void> {
  await Promise.all(rig.listeners.map((listener) => listener.drain(graceMs)));
}

// connect-node's gRPC clients keep the rest of a refused upload on their HTTP/2 connection, so those close only when
// the grace time ends; on HTTP/1.1 it is for the server to take the upload off the connection.
const READ_TO_THE_END = CLIENTS.filter(([name]) => !/gRPC.*(HTTP\/2|gRPC listener)/.test(name));

describe.each(READ_TO_THE_END)("drain after a refusal, seen by %s", (_name, makeClient) => {
  it("is not held up by a request that was refused for its size", async () => {
    using client = makeClient(rig);
    const error = await failure(client.send(validRequest("x".repeat(5 * 1024 * 1024))));
    expect(error).toMatchObject({ code: "ResourceExhausted", info: { reason: "REQUEST_TOO_LARGE" } });
    // Far beyond the test's own time, so it only ends when every connection closes.
    await drain(1_000_000);
  });
});

describe.each(CLIENTS)("drain, seen by %s", (_name, makeClient) => {
  it("lets a call in progress finish", async () => {
    using client = makeClient(rig);
    const entered = signalled();
    const finish = signalled();
    rig.behaviour.send = async (request) => {
      entered.fire();
      await finish.promise;
      return echo(request);
    };
    const call = client.send(validRequest("last"));
    await entered.promise;
    // Far beyond the test's own time: it only ends when every connection closes with its last call.
    const drained = drain(1_000_000);
    finish.fire();
    expect((await call).response.bulkId).toBe("last");
    await drained;
  });

  it("ends what remains after the grace time with DRAINING", async () => {
    using client = makeClient(rig);
    const entered = signalled();
    rig.behaviour.watch = async function* (_request, context) {
      yield startedFrame("1");
      entered.fire();
      await aborted(context.signal);
      throw context.signal.reason;
    };
    const read = async () => {
      for await (const _frame of client.watch(create(WatchEventsRequestSchema, {}))) void _frame;
    };
    const call = failure(read());
    await entered.promise;
    await drain(0);
    expect(await call).toMatchObject({ code: "Unavailable", info: { reason: "DRAINING" } });
    expect(rig.reports).toMatchObject([{ code: Code.Unavailable, reason: "DRAINING" }]);
  });
});

it("drains at once when nothing is open, and twice", async () => {
  await drain(10_000);
  await drain(10_000);
});

describe("a unix socket", () => {
  it("is its owner's alone", () => {
    expect(statSync(join(rig.folder, "rpc.sock")).mode & 0o777).toBe(0o600);
  });

  it("is removed at the end", async () => {
    await drain(0);
    expect(existsSync(join(rig.folder, "rpc.sock"))).toBe(false);
  });

  it("is not taken from a process that answers on it", async () => {
    const path = join(rig.folder, "rpc.sock");
    await using second = createGrpcListener({ address: { kind: "unix", path }, services: [] });
    await expect(second.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(existsSync(path)).toBe(true);
  });

  it("replaces one that nobody answers on", async () => {
    const path = join(rig.folder, "stale.sock");
    const holder = createServer();
    holder.listen(path);
    await once(holder, "listening");
    // Closing removes the file by its name, so it goes by another for as long: nobody listens on it then.
    renameSync(path, `${path}.old`);
    holder.close();
    await once(holder, "close");
    renameSync(`${path}.old`, path);
    await using listener = createGrpcListener({ address: { kind: "unix", path }, services: [] });
    await listener.start();
    expect(statSync(path).isSocket()).toBe(true);
  });

  it("leaves a file of that name alone", async () => {
    const path = join(rig.folder, "precious.txt");
    writeFileSync(path, "text");
    chmodSync(path, 0o644);
    await using listener = createGrpcListener({ address: { kind: "unix", path }, services: [] });
    await expect(listener.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(statSync(path).size).toBe(4);
  });
});

it("says which port is taken", async () => {
  const port = Number(rig.grpcAddress.split(":")[1]);
  await using second = createGrpcListener({
    address: { kind: "tcp", host: "127.0.0.1", port },
    services: [],
  });
  await expect(second.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
});
