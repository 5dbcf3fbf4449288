import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "../gen/infobip/events/v1/subscribe_pb.js";
import { ServiceError } from "../src/errors.ts";
import { Feed } from "./fixtures/feed.ts";
import { CLIENTS, failure, type TestClient } from "./server-clients.ts";
import { ackFrame, Rig, sessionFrame, signalled } from "./server-rig.ts";

const HTTP2 = CLIENTS.filter(([name]) => !name.endsWith("HTTP/1.1"));
const HTTP1 = CLIENTS.filter(([name]) => name.endsWith("HTTP/1.1"));
const METHOD = "infobip.events.v1.EventsService/Subscribe";

function textOf({ frame }: SubscribeResponse): string {
  return frame.case === "started" ? frame.value.sessionId : String(frame.case);
}

async function collect(responses: AsyncIterable<SubscribeResponse>): Promise<string[]> {
  const texts: string[] = [];
  for await (const response of responses) texts.push(textOf(response));
  return texts;
}

/** Lets a fake tell how its requests ended. */
function ending(rig: Rig): Promise<unknown> {
  const ended = signalled<unknown>();
  rig.behaviour.subscribe = async function* (requests) {
    try {
      for await (const { frame } of requests) yield sessionFrame(String(frame.case));
      ended.fire("half-closed");
    } catch (error) {
      ended.fire(error);
      throw error;
    }
  };
  return ended.promise;
}

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

describe.each(HTTP2)("%s", (_name, makeClient) => {
  let client: TestClient;
  beforeEach(() => {
    client = makeClient(rig);
  });
  afterEach(() => client[Symbol.dispose]());

  it("answers each message before the next is sent, and ends when the client closes its side", async () => {
    const feed = new Feed<SubscribeRequest>().push(ackFrame("0"));
    const texts: string[] = [];
    for await (const response of client.subscribe(feed)) {
      texts.push(textOf(response));
      if (texts.length < 5) feed.push(ackFrame(String(texts.length)));
      else feed.end();
    }
    expect(texts).toEqual(["0", "1", "2", "3", "4"]);
    await expect.poll(() => rig.reports).toMatchObject([{ method: METHOD, code: undefined }]);
  });

  it("takes many messages at once, in their order", async () => {
    const sent = Array.from({ length: 500 }, (_, index) => `${index}-${"x".repeat(index * 3)}`);
    const feed = new Feed<SubscribeRequest>().push(...sent.map(ackFrame)).end();
    expect(await collect(client.subscribe(feed))).toEqual(sent);
  });

  it("answers before any message, and after the client has closed its side", async () => {
    const closed = signalled();
    rig.behaviour.subscribe = async function* (requests) {
      yield sessionFrame("first");
      for await (const _ of requests) yield sessionFrame("more");
      closed.fire();
      yield sessionFrame("last");
    };
    const feed = new Feed<SubscribeRequest>();
    const texts: string[] = [];
    for await (const response of client.subscribe(feed)) {
      texts.push(textOf(response));
      if (texts.length === 1) feed.push(ackFrame("a"));
      if (texts.length === 2) feed.end();
    }
    await closed.promise;
    expect(texts).toEqual(["first", "more", "last"]);
  });

  it("ends the call with the path of the field when a later message breaks a rule", async () => {
    const end = ending(rig);
    const bad = create(SubscribeRequestSchema, { frame: { case: "nack", value: { eventIds: [] } } });
    const feed = new Feed<SubscribeRequest>().push(ackFrame("a"), bad);
    const error = await failure(collect(client.subscribe(feed)));
    expect(error).toMatchObject({ code: "InvalidArgument", info: { reason: "REQUEST_INVALID" } });
    expect(error.badRequest?.fieldViolations).toMatchObject([{ field: "nack.event_ids" }]);
    expect(await end).toMatchObject({ reason: "REQUEST_INVALID" });
    await expect.poll(() => rig.reports).toMatchObject([{ method: METHOD, reason: "REQUEST_INVALID" }]);
  });

  it("ends with the implementation's error while the client still sends", async () => {
    rig.behaviour.subscribe = async function* () {
      yield sessionFrame("first");
      throw new ServiceError(Code.Aborted, "SESSION_EXPIRED", "too quiet");
    };
    const texts: string[] = [];
    const read = async () => {
      for await (const response of client.subscribe(new Feed<SubscribeRequest>().push(ackFrame("a"))))
        texts.push(textOf(response));
    };
    const error = await failure(read());
    expect(texts).toEqual(["first"]);
    expect(error).toMatchObject({ code: "Aborted", info: { reason: "SESSION_EXPIRED" } });
  });

  it("ends the requests when the client cancels", async () => {
    const end = ending(rig);
    const controller = new AbortController();
    const feed = new Feed<SubscribeRequest>().push(ackFrame("a"));
    const read = async () => {
      for await (const _ of client.subscribe(feed, { signal: controller.signal })) controller.abort();
    };
    expect((await failure(read())).code).toBe("Canceled");
    expect(await end).toMatchObject({ reason: "CANCELLED" });
    await expect.poll(() => rig.reports).toMatchObject([{ method: METHOD, reason: "CANCELLED" }]);
  });

  it("ends the requests at the deadline", async () => {
    const end = ending(rig);
    const feed = new Feed<SubscribeRequest>().push(ackFrame("a"));
    const error = await failure(collect(client.subscribe(feed, { timeoutMs: 200 })));
    expect(error.code).toBe("DeadlineExceeded");
    expect(await end).toMatchObject({ reason: expect.stringMatching(/DEADLINE_EXCEEDED|CANCELLED/) });
    await expect.poll(() => rig.reports).toHaveLength(1);
  });

  it("ends the requests when the service stops", async () => {
    const end = ending(rig);
    const feed = new Feed<SubscribeRequest>().push(ackFrame("a"));
    const drained: Promise<boolean>[] = [];
    const read = async () => {
      for await (const _ of client.subscribe(feed)) {
        drained.push(...rig.listeners.map((listener) => listener.drain(10)));
      }
    };
    const error = await failure(read());
    expect(error).toMatchObject({ code: "Unavailable", info: { reason: "DRAINING" } });
    expect(await end).toMatchObject({ reason: "DRAINING" });
    await Promise.all(drained);
  });

  it("refuses a new call while draining", async () => {
    rig.draining = true;
    const error = await failure(collect(client.subscribe(new Feed<SubscribeRequest>().end())));
    expect(error).toMatchObject({ code: "Unavailable", info: { reason: "DRAINING" } });
  });

  it("reads compressed messages and compresses large answers", async () => {
    using zipping = makeClient(rig, true);
    const text = "x".repeat(4000);
    const feed = new Feed<SubscribeRequest>().push(ackFrame(text)).end();
    expect(await collect(zipping.subscribe(feed))).toEqual([text]);
  });
});

describe.each(HTTP1)("%s", (_name, makeClient) => {
  it("is told at once to use HTTP/2, also when it does not end its request", async () => {
    using client = makeClient(rig);
    const open = new Feed<SubscribeRequest>().push(ackFrame("a"));
    const closed = new Feed<SubscribeRequest>().push(ackFrame("a")).end();
    for (const feed of [closed, open]) {
      const error = await failure(collect(client.subscribe(feed)));
      expect(error).toMatchObject({ code: "Unimplemented", info: { reason: "PROTOCOL_ERROR" } });
      expect(error.message).toContain("HTTP/2");
    }
    expect(rig.refusals).toMatchObject([{ method: METHOD }, { method: METHOD }]);
    expect(rig.reports).toEqual([]);
  });
});
