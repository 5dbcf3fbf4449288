import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { service as healthDefinition } from "grpc-health-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createHealth, type Health } from "../src/server/health.ts";
import { Rig } from "./server-rig.ts";

const MESSAGES = "infobip.messages.v1.MessagesService";

/** The client that grpc-health-check's own descriptor gives, not ours. */
interface HealthClient extends grpc.Client {
  check(
    request: object,
    callback: (error: grpc.ServiceError | null, response: { status: string }) => void,
  ): void;
  list(
    request: object,
    callback: (
      error: grpc.ServiceError | null,
      response: { statuses: Record<string, { status: string }> },
    ) => void,
  ): void;
  watch(request: object): grpc.ClientReadableStream<{ status: string }>;
}

let rig: Rig;
let health: Health;
let client: HealthClient;
beforeEach(async () => {
  health = createHealth([MESSAGES]);
  rig = await Rig.start({ extra: [health.binding] });
  const Client = grpc.makeGenericClientConstructor(healthDefinition, "Health");
  client = new Client(rig.grpcAddress, grpc.credentials.createInsecure()) as unknown as HealthClient;
});
afterEach(async () => {
  client.close();
  await rig[Symbol.asyncDispose]();
});

function check(service: string): Promise<string> {
  return new Promise((resolve) =>
    client.check({ service }, (error, response) =>
      resolve(error ? grpc.status[error.code] : response.status),
    ),
  );
}

it("answers Check for the process and each service", async () => {
  expect(await check("")).toBe("NOT_SERVING");
  health.setServing(true);
  expect(await check("")).toBe("SERVING");
  expect(await check(MESSAGES)).toBe("SERVING");
  health.setStatuses(new Map([[MESSAGES, false]]));
  expect([await check(""), await check(MESSAGES)]).toEqual(["SERVING", "NOT_SERVING"]);
  health.setStatuses(
    new Map([
      ["", false],
      [MESSAGES, true],
      ["no.such.Service", true],
    ]),
  );
  expect([await check(""), await check(MESSAGES)]).toEqual(["NOT_SERVING", "SERVING"]);
  expect(await check("no.such.Service")).toBe("NOT_FOUND");
});

it("lists all services", async () => {
  health.setServing(true);
  const statuses = await new Promise((resolve) =>
    client.list({}, (_error, response) => resolve(response.statuses)),
  );
  expect(statuses).toEqual({ "": { status: "SERVING" }, [MESSAGES]: { status: "SERVING" } });
});

it("watches: the status at once, then each change", async () => {
  const stream = client.watch({ service: MESSAGES });
  stream.on("error", () => undefined);
  const statuses = stream[Symbol.asyncIterator]();
  expect((await statuses.next()).value).toEqual({ status: "NOT_SERVING" });
  health.setServing(true);
  expect((await statuses.next()).value).toEqual({ status: "SERVING" });
  health.setServing(true);
  health.setServing(false);
  expect((await statuses.next()).value).toEqual({ status: "NOT_SERVING" });
  stream.cancel();
});

it("keeps the watch of an unknown service open", async () => {
  const stream = client.watch({ service: "no.such.Service" });
  const ended = new Promise<grpc.StatusObject>((resolve) => stream.on("status", resolve));
  stream.on("error", () => undefined);
  const [first] = await new Promise<{ status: string }[]>((resolve) =>
    stream.once("data", (frame: { status: string }) => resolve([frame])),
  );
  expect(first).toEqual({ status: "SERVICE_UNKNOWN" });
  health.setServing(true);
  expect(await check("")).toBe("SERVING");
  stream.cancel();
  // It was open until the client ended it.
  expect((await ended).code).toBe(grpc.status.CANCELLED);
});

it("is served over a unix socket too", async () => {
  expect(rig.unixAddress).toBe(`unix:${join(rig.folder, "rpc.sock")}`);
  const Client = grpc.makeGenericClientConstructor(healthDefinition, "Health");
  const overSocket = new Client(
    rig.unixAddress,
    grpc.credentials.createInsecure(),
  ) as unknown as HealthClient;
  const status = await new Promise((resolve) =>
    overSocket.check({}, (_error, response) => resolve(response.status)),
  );
  overSocket.close();
  expect(status).toBe("NOT_SERVING");
});
