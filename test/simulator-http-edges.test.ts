import { expect, test } from "vitest";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { AUTHORIZED, call, REPORTS, SEND, smsTo, textMessage, VALIDATE } from "./simulator-requests.ts";

test("unknown paths are 404, wrong methods 405 with Allow", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  const unknown = await call(base, "POST", "/messages-api/2/messages", smsTo("1"));
  const wrong = await call(base, "GET", SEND);

  expect([unknown.status, unknown.json.errorCode]).toEqual([404, "E404"]);
  expect([wrong.status, wrong.json.errorCode, wrong.headers.get("allow")]).toEqual([405, "E405", "POST"]);
  expect((await call(base, "POST", REPORTS, {})).status).toBe(405);
});

test("takes JSON only", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();

  const text = await call(base, "POST", SEND, JSON.stringify(smsTo("1")), {
    ...AUTHORIZED,
    "content-type": "text/plain",
  });
  const withCharset = await call(base, "POST", SEND, smsTo("1"), {
    ...AUTHORIZED,
    "content-type": "Application/JSON; charset=utf-8",
  });

  expect([text.status, text.json.errorCode]).toEqual([415, "E415"]);
  expect(withCharset.status).toBe(200);
});

test("refuses a body over the limit and takes one at the limit", async () => {
  const request = JSON.stringify(smsTo("1"));
  await using simulator = createSimulator({ maxBodyBytes: request.length });
  const base = await simulator.start();

  expect((await call(base, "POST", SEND, request)).status).toBe(200);
  const over = await call(base, "POST", SEND, `${request} `);
  const farOver = await call(base, "POST", SEND, `${request}${" ".repeat(5_000_000)}`);

  expect([over.status, over.json.errorCode]).toEqual([413, "E413"]);
  expect(farOver.status).toBe(413);
  expect(simulator.stats().messages.accepted).toBe(1);
});

test("limits the validate endpoint by the second when asked to", async () => {
  const clock = new ManualClock();
  await using simulator = createSimulator({ clock, validateRequestsPerSecond: 2 });
  const base = await simulator.start();
  const validate = async () => (await call(base, "POST", VALIDATE, smsTo("1"))).status;

  expect([await validate(), await validate(), await validate()]).toEqual([200, 200, 429]);
  clock.advance(1_000);
  expect(await validate()).toBe(200);
});

test("a behaviour that throws is a 500, and the simulator lives on", async () => {
  await using simulator = createSimulator({
    behaviours: ({ to }) => {
      if (to === "1") throw new Error("no");
      return undefined;
    },
  });
  const base = await simulator.start();

  const failed = await call(base, "POST", SEND, { messages: [textMessage("SMS", ["1"])] });

  expect([failed.status, failed.json.errorCode]).toEqual([500, "E500"]);
  expect((await call(base, "POST", SEND, smsTo("2"))).status).toBe(200);
});
