import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebhookListener } from "../src/server/webhook-listener.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import {
  bodyOf,
  deliveryReport,
  readToEnd,
  SECRET,
  startWebhookTarget,
  type WebhookTarget,
} from "./fixtures/webhook-target.ts";

const MAX_BODY = 20_000;
const report = bodyOf(deliveryReport());
let target: WebhookTarget;
beforeEach(async () => {
  target = await startWebhookTarget({ limits: { maxBodyBytes: MAX_BODY, maxBufferedBytes: 3 * MAX_BODY } });
});
afterEach(async () => {
  await target[Symbol.asyncDispose]();
});

describe("paths and methods", () => {
  test("a wrong secret is answered like a path that does not exist", async () => {
    const unknown = await target.send("POST", "/nothing", report);
    expect(unknown.status).toBe(404);
    for (const path of [
      `/v1/delivery/${SECRET}x`,
      `/v1/delivery/${SECRET.slice(0, -1)}`,
      "/v1/delivery/",
      "/v1/delivery",
      `/v1/delivery/${SECRET}/`,
      `/v1/clicks/${SECRET}`,
      `/v1/toString/${SECRET}`,
      `/V1/delivery/${SECRET}`,
    ]) {
      const answer = await target.send("POST", path, report);
      expect([path, answer.status, answer.text]).toEqual([path, 404, unknown.text]);
    }
    expect(target.events()).toHaveLength(0);
  });

  test("a query is ignored", async () => {
    expect((await target.send("POST", `/v1/delivery/${SECRET}?a=b/c`, report)).status).toBe(200);
  });

  test("other methods get 405 and Allow, but only with the secret", async () => {
    const answer = await target.send("PUT", `/v1/seen/${SECRET}`, report);
    expect([answer.status, answer.headers.allow]).toEqual([405, "POST"]);
    expect((await target.send("GET", "/v1/seen/other")).status).toBe(404);
  });

  test("without a secret the paths are shorter, and the address must be local", async () => {
    await using open = await startWebhookTarget({ secret: undefined });
    expect((await open.send("POST", "/v1/delivery", report)).status).toBe(200);
    expect((await open.send("POST", "/v1/delivery/anything", report)).status).toBe(404);
    const everywhere = { kind: "tcp", host: "0.0.0.0", port: 0 } as const;
    const start = WebhookListener.start({ listen: everywhere, secret: undefined, log: new MemoryEventLog() });
    await expect(start).rejects.toThrow(/webhook\.secret/);
  });
});

describe("bodies that are too large", () => {
  const tooLong = bodyOf(deliveryReport({ callbackData: "x".repeat(MAX_BODY) }));

  test("by what they announce, before anything is read", async () => {
    const socket = await target.dial();
    socket.write(
      `POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX_BODY + 1}\r\n\r\n`,
    );
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("by what they are", async () => {
    expect((await target.post("delivery", tooLong)).status).toBe(413);
    expect((await target.post("delivery", tooLong, { "transfer-encoding": "chunked" })).status).toBe(413);
    expect(target.events()).toHaveLength(0);
  });

  test("in chunks without end: the answer comes, then the connection goes", async () => {
    const socket = await target.dial();
    socket.write(`POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `1000\r\n${"y".repeat(0x1000)}\r\n`;
    const pump = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", pump);
    pump();
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("a sender that reads only after it has sent all still gets the answer", async () => {
    const length = 8 * 1024 * 1024;
    const socket = await target.dial();
    socket.pause();
    const errors: Error[] = [];
    socket.on("error", (error) => errors.push(error));
    socket.write(`POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
    await new Promise((resolve) => socket.write(Buffer.alloc(length, 0x20), resolve));
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 413 /);
    expect(errors).toEqual([]);
  });

  test("a length that lies ends with no answer and no event", async () => {
    const socket = await target.dial();
    socket.end(`POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n${report}`);
    expect(await readToEnd(socket)).not.toMatch(/ 200 /);
    expect(target.events()).toHaveLength(0);
    // Its room is free again.
    expect((await target.post("delivery", report)).status).toBe(200);
  });

  test("at the limit a body is taken", async () => {
    const padding = " ".repeat(MAX_BODY - Buffer.byteLength(report));
    expect((await target.post("delivery", report + padding)).status).toBe(200);
    expect((await target.post("delivery", `${report}${padding} `)).status).toBe(413);
  });

  test.each([
    ["reports", `<r><results>${"<result/>".repeat(10_001)}</results></r>`],
    ["tags", `<r><results>${"<a/>".repeat(30_000)}</results></r>`],
  ])("XML with too many %s", async (_, xml) => {
    await using large = await startWebhookTarget();
    expect((await large.post("delivery", xml)).status).toBe(413);
    expect(large.events()).toHaveLength(0);
  });

  test("a list that is too long", async () => {
    await using large = await startWebhookTarget();
    const answer = await large.post("delivery", `{"results":[${"1,".repeat(10_000)}1]}`);
    expect(answer.status).toBe(413);
    expect(large.events()).toHaveLength(0);
  });
});

describe("content encodings", () => {
  test.each([
    ["gzip", gzipSync(report)],
    ["x-gzip", gzipSync(report)],
    ["deflate", deflateSync(report)],
    ["deflate", deflateRawSync(report)],
    ["identity", Buffer.from(report)],
  ])("%s is undone", async (encoding, body) => {
    expect((await target.post("delivery", body, { "content-encoding": encoding })).status).toBe(200);
    expect(target.events()[0]?.messageId).toBe("message-1");
  });

  test("a small body that would become a large one is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20));
    expect(gzipSync(bomb).length).toBeLessThan(MAX_BODY);
    await using large = await startWebhookTarget({ limits: { maxBodyBytes: 100_000 } });
    const answer = await large.post("delivery", bomb, { "content-encoding": "gzip" });
    expect(answer.status).toBe(413);
  });

  test("broken and unknown encodings", async () => {
    const broken = await target.post("delivery", report, { "content-encoding": "gzip" });
    expect([broken.status, JSON.parse(broken.text).error]).toEqual([400, "ENCODING_BROKEN"]);
    const cut = await target.post("delivery", gzipSync(report).subarray(0, 60), {
      "content-encoding": "gzip",
    });
    expect(cut.status).toBe(400);
    expect((await target.post("delivery", report, { "content-encoding": "br" })).status).toBe(415);
  });
});

describe("bodies that are no reports", () => {
  test.each([
    ["", "the body is empty"],
    [" \n", "the body is empty"],
    ["private words", "the body is not JSON"],
    ['{"results":[', "the body is not JSON"],
    ["null", "the body is neither a JSON object or list nor XML"],
    ["17", "the body is neither a JSON object or list nor XML"],
    ['"private"', "the body is neither a JSON object or list nor XML"],
    ["<private", "the body is not XML"],
  ])("%j is refused with 400: %s", async (body, message) => {
    const answer = await target.post("delivery", body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({ error: "BODY_NOT_ACCEPTED", message });
  });

  test("XML is taken on the delivery route only", async () => {
    const answer = await target.post("seen", "<a><results/></a>");
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("only delivery reports may be XML");
  });
});

describe("when there is too much at one time", () => {
  test("a body over the budget is refused before it is read, and taken once there is room", async () => {
    const holders = await Promise.all([1, 2, 3].map(() => target.dial()));
    for (const socket of holders) {
      socket.write(
        `POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${MAX_BODY}\r\n\r\n`,
      );
      // The invitation tells that its room is taken.
      await new Promise((resolve) => socket.once("data", resolve));
    }
    const refused = await target.post("delivery", report);
    expect([refused.status, JSON.parse(refused.text).error]).toEqual([503, "BUSY"]);
    expect(refused.headers["retry-after"]).toBeDefined();
    const before = target.outcomes.length;
    for (const socket of holders) socket.destroy();
    await expect.poll(() => target.outcomes.length).toBe(before + holders.length);
    expect((await target.post("delivery", report)).status).toBe(200);
  });

  test("a refusal comes instead of an invitation to send the body", async () => {
    const socket = await target.dial();
    const length = MAX_BODY + 1;
    socket.write(
      `POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
    );
    const text = await readToEnd(socket);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).not.toContain("100 Continue");
  });
});
