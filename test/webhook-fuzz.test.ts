import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, deliveryReport, startWebhookTarget, type WebhookTarget } from "./fixtures/webhook-target.ts";

let target: WebhookTarget;
beforeAll(async () => {
  target = await startWebhookTarget();
});
afterAll(() => target[Symbol.asyncDispose]());

const route = fc.constantFrom("delivery", "seen", "inbound");
const encoding = fc.constantFrom("identity", "gzip", "deflate");

async function expectNoFailure(
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
) {
  const answer = await target.post(path, body, headers);
  expect([200, 400]).toContain(answer.status);
}

test("random bytes never make a failure", async () => {
  await fc.assert(
    fc.asyncProperty(route, encoding, fc.uint8Array({ maxLength: 300 }), (path, name, body) =>
      expectNoFailure(path, body, { "content-encoding": name }),
    ),
    { numRuns: 200 },
  );
});

const item = fc.oneof(
  fc.jsonValue(),
  fc
    .dictionary(
      fc.constantFrom(...Object.keys(deliveryReport()), "content", "receivedAt", "seenAt", "x"),
      fc.jsonValue(),
    )
    .map((changes) => deliveryReport(changes as Record<string, unknown>)),
  fc.record({
    event: fc.constantFrom("MO", "SEEN", "TYPING_STARTED", "DELIVERY", "X", 7),
    content: fc.array(
      fc.record({ type: fc.constantFrom("TEXT", "FLOW_RESPONSE", "Q"), response: fc.jsonValue() }),
    ),
    messageId: fc.oneof(fc.string(), fc.jsonValue()),
  }),
);

test("every item of a list of anything becomes an event or repeats one", async () => {
  await fc.assert(
    fc.asyncProperty(route, fc.array(item, { maxLength: 6 }), async (path, items) => {
      const answer = await target.post(path, bodyOf(...items));
      expect(answer.status).toBe(200);
      const { stored, repeated } = JSON.parse(answer.text);
      expect(stored + repeated).toBe(items.length);
    }),
    { numRuns: 300 },
  );
});

test("bodies with bytes changed, dropped or doubled never make a failure", async () => {
  const bodies = [
    bodyOf(deliveryReport(), deliveryReport({ messageId: "x" })),
    "<R><results><results><messageId>1</messageId><status><id>5</id></status></results></results></R>",
  ];
  const change = fc.tuple(fc.nat(), fc.constantFrom("set", "drop", "double"), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bodies),
      fc.array(change, { minLength: 1, maxLength: 5 }),
      async (text, changes) => {
        let body = Buffer.from(text);
        for (const [place, kind, byte] of changes) {
          const at = place % body.length;
          const middle = kind === "set" ? [byte] : kind === "drop" ? [] : [body[at] ?? 0, body[at] ?? 0];
          body = Buffer.concat([body.subarray(0, at), Buffer.from(middle), body.subarray(at + 1)]);
        }
        await expectNoFailure("delivery", body);
      },
    ),
    { numRuns: 300 },
  );
});
