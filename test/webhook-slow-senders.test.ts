import { expect, test } from "vitest";
import { bodyOf, deliveryReport, readToEnd, SECRET, startWebhookTarget } from "./fixtures/webhook-target.ts";

const limits = { headersTimeoutMs: 200, requestTimeoutMs: 400, keepAliveTimeoutMs: 200 };

test("connections that say nothing, not enough or too slowly are ended", async () => {
  await using target = await startWebhookTarget({ limits });
  const silent = await target.dial();
  const halfHeaders = await target.dial();
  halfHeaders.write("POST /v1/delivery");
  const halfBody = await target.dial();
  halfBody.write(`POST /v1/delivery/${SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`);
  const drip = setInterval(() => halfBody.write(" "), 50);
  try {
    const answers = await Promise.all([silent, halfHeaders, halfBody].map(readToEnd));
    expect(answers.join()).not.toContain(" 200 ");
    expect(answers[2]).toContain(" 408 ");
  } finally {
    clearInterval(drip);
  }
  expect((await target.post("delivery", bodyOf(deliveryReport()))).status).toBe(200);
});

test("connections over the limit are not taken", async () => {
  await using target = await startWebhookTarget({ limits: { maxConnections: 1 } });
  const first = await target.dial();
  const second = await target.dial();
  expect(await readToEnd(second)).toBe("");
  first.destroy();
});
