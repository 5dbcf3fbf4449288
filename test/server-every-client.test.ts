import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { SendMessagesResponseSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { CLIENTS, failure, type TestClient } from "./server-clients.ts";
import { aborted, Rig, signalled, startedFrame, validRequest } from "./server-rig.ts";

const WATCH = create(WatchEventsRequestSchema, {});

describe.each(CLIENTS)("%s", (_name, makeClient) => {
  let rig: Rig;
  let client: TestClient;

  beforeEach(async () => {
    rig = await Rig.start();
    client = makeClient(rig);
  });

  afterEach(async () => {
    client[Symbol.dispose]();
    await rig[Symbol.asyncDispose]();
  });

  it("calls a unary method and reports it once", async () => {
    const { response } = await client.send(validRequest("InfoShop"));
    expect(response.bulkId).toBe("InfoShop");
    expect(rig.reports).toHaveLength(1);
    expect(rig.reports[0]).toMatchObject({
      method: "infobip.messages.v1.MessagesService/SendMessages",
      code: undefined,
      reason: undefined,
    });
    expect(rig.reports[0]?.durationMs).toBeGreaterThanOrEqual(0);
    expect(["grpc", "grpc-web", "connect"]).toContain(rig.reports[0]?.protocol);
  });

  it("takes request metadata in and gives response headers and trailers back", async () => {
    const seen: (string | null)[] = [];
    rig.behaviour.send = async (_request, context) => {
      seen.push(context.requestHeader.get("x-tenant"), context.requestHeader.get("x-key-bin"));
      context.responseHeader.set("x-answer", "head");
      context.responseHeader.set("x-answer-bin", "AQID");
      context.responseTrailer.set("x-cost", "2");
      return create(SendMessagesResponseSchema, {});
    };
    const { header, trailer } = await client.send(validRequest(), {
      headers: { "x-tenant": "blue", "x-key-bin": "AAEC" },
    });
    expect(seen).toEqual(["blue", "AAEC"]);
    expect(header.get("x-answer")).toBe("head");
    expect(header.get("x-answer-bin")).toBe("AQID");
    expect(trailer.get("x-cost")).toBe("2");
  });

  it("carries an error's code, text and details", async () => {
    rig.behaviour.send = async () => {
      throw new ServiceError(Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", "50 % too fast: wärten", {
        domain: "api.infobip.com",
        metadata: { outcome: "NOT_SENT" },
        violations: [{ field: "messages[0]", description: "too many", reason: "rate" }],
        retryDelayMs: 1500,
      });
    };
    const error = await failure(client.send(validRequest()));
    expect(error.code).toBe("ResourceExhausted");
    expect(error.message).toBe("50 % too fast: wärten");
    expect(error.info).toMatchObject({
      reason: "UPSTREAM_RATE_LIMITED",
      domain: "api.infobip.com",
      metadata: { outcome: "NOT_SENT" },
    });
    expect(error.badRequest?.fieldViolations).toMatchObject([
      { field: "messages[0]", description: "too many", reason: "rate" },
    ]);
    expect(error.retryInfo?.retryDelay).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
    expect(rig.reports).toMatchObject([{ code: Code.ResourceExhausted, reason: "UPSTREAM_RATE_LIMITED" }]);
  });

  it("hides what is no ServiceError behind an error id", async () => {
    rig.behaviour.send = async () => {
      throw new Error("secret of the database");
    };
    const error = await failure(client.send(validRequest()));
    expect(error).toMatchObject({ code: "Internal", info: { reason: "INTERNAL" } });
    expect(error.info?.metadata.error_id).toBe("error-id-1");
    expect(error.message).not.toContain("secret");
    expect(rig.internalErrors).toMatchObject([{ message: "secret of the database" }]);
  });

  it("brings the deadline to the implementation", async () => {
    const stopped = signalled();
    let left: number | undefined;
    rig.behaviour.send = async (_request, context) => {
      left = context.timeoutMs();
      await aborted(context.signal);
      stopped.fire();
      throw context.signal.reason;
    };
    const error = await failure(client.send(validRequest(), { timeoutMs: 250 }));
    expect(error.code).toBe("DeadlineExceeded");
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(251);
    await stopped.promise;
    // Which side's clock runs out first is open: the service may see its client leave instead.
    await expect.poll(() => rig.reports).toHaveLength(1);
    expect([Code.DeadlineExceeded, Code.Canceled]).toContain(rig.reports[0]?.code);
  });

  it("brings the client's cancel to the implementation", async () => {
    const entered = signalled();
    const reason = signalled<unknown>();
    rig.behaviour.send = async (_request, context) => {
      entered.fire();
      reason.fire(await aborted(context.signal));
      throw context.signal.reason;
    };
    const controller = new AbortController();
    const call = failure(client.send(validRequest(), { signal: controller.signal }));
    await entered.promise;
    controller.abort();
    expect((await call).code).toBe("Canceled");
    await reason.promise;
    await expect.poll(() => rig.reports).toMatchObject([{ code: Code.Canceled, reason: "CANCELLED" }]);
  });

  it("reads compressed requests and compresses large responses", async () => {
    using zipping = makeClient(rig, true);
    const noise = randomBytes(30_000).toString("hex");
    rig.behaviour.send = async (request) =>
      create(SendMessagesResponseSchema, {
        bulkId: request.messages[0]?.kind.case === "message" ? "m" : "",
        results: [{ messageId: noise }],
      });
    const { response } = await zipping.send(validRequest("x".repeat(5000)));
    expect(response.bulkId).toBe("m");
    expect(response.results[0]?.messageId).toBe(noise);
  });

  it("refuses a request of 5 MiB and goes on", async () => {
    const error = await failure(client.send(validRequest("x".repeat(5 * 1024 * 1024))));
    expect(error).toMatchObject({ code: "ResourceExhausted", info: { reason: "REQUEST_TOO_LARGE" } });
    expect(rig.refusals.map((refusal) => refusal.error.reason)).toContain("REQUEST_TOO_LARGE");
    expect((await client.send(validRequest("next"))).response.bulkId).toBe("next");
  });

  it("refuses an invalid request with the path of the field", async () => {
    const request = validRequest();
    if (request.messages[0]?.kind.case === "message") request.messages[0].kind.value.destinations = [];
    const error = await failure(client.send(request));
    expect(error).toMatchObject({
      code: "InvalidArgument",
      info: { reason: "REQUEST_INVALID", domain: "infobip-rpc", metadata: { outcome: "NOT_SENT" } },
    });
    expect(error.badRequest?.fieldViolations[0]).toMatchObject({ field: "messages[0].message.destinations" });
    expect(error.badRequest?.fieldViolations[0]?.reason).not.toBe("");
    expect(rig.reports).toMatchObject([{ reason: "REQUEST_INVALID" }]);
  });

  it("serves unary calls while draining, and refuses streams", async () => {
    rig.draining = true;
    expect((await client.send(validRequest("InfoShop"))).response.bulkId).toBe("InfoShop");
    const error = await failure(client.watch(WATCH)[Symbol.asyncIterator]().next());
    expect(error).toMatchObject({ code: "Unavailable", info: { reason: "DRAINING" } });
    expect(error.retryInfo?.retryDelay?.seconds).toBe(1n);
  });

  it("streams frames as they come, the first at once", async () => {
    const more = signalled();
    rig.behaviour.watch = async function* () {
      yield startedFrame("1");
      await more.promise;
      yield startedFrame("2");
    };
    const cursors: string[] = [];
    for await (const frame of client.watch(WATCH)) {
      if (frame.frame.case === "started") cursors.push(frame.frame.value.cursor);
      more.fire();
    }
    expect(cursors).toEqual(["1", "2"]);
    await expect.poll(() => rig.reports).toMatchObject([{ code: undefined }]);
  });

  it("ends a stream with an error after its frames", async () => {
    rig.behaviour.watch = async function* () {
      yield startedFrame("1");
      throw new ServiceError(Code.OutOfRange, "CURSOR_EXPIRED", "too old", {
        metadata: { earliest_cursor: "7" },
      });
    };
    const cursors: string[] = [];
    const read = async () => {
      for await (const frame of client.watch(WATCH)) cursors.push(String(frame.frame.case));
    };
    const error = await failure(read());
    expect(cursors).toEqual(["started"]);
    expect(error).toMatchObject({
      code: "OutOfRange",
      info: { reason: "CURSOR_EXPIRED", metadata: { earliest_cursor: "7" } },
    });
  });

  it("ends a stream's implementation when the client cancels, even one that hangs", async () => {
    const reason = signalled<unknown>();
    rig.behaviour.watch = async function* (_request, context) {
      void aborted(context.signal).then(reason.fire);
      yield startedFrame("1");
      await new Promise(() => undefined);
    };
    const controller = new AbortController();
    const read = async () => {
      for await (const _frame of client.watch(WATCH, { signal: controller.signal })) controller.abort();
    };
    expect((await failure(read())).code).toBe("Canceled");
    await reason.promise;
    await expect.poll(() => rig.reports).toMatchObject([{ reason: "CANCELLED" }]);
  });
});
