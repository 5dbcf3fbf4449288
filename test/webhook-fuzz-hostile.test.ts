import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, deliveryReport, startWebhookTarget, type WebhookTarget } from "./fixtures/webhook-target.ts";

/** Runs repeat: the seed is fixed, and FC_SEED changes it. */
const SEED = Number(process.env.FC_SEED ?? 20_260_101);
/** Longest time until an answer, in milliseconds, however bad the body is. */
const ANSWER_LIMIT_MS = 5_000;
const ROUTES = ["delivery", "seen", "inbound", "click"] as const;

let target: WebhookTarget;
let probe = 0;
beforeAll(async () => {
  target = await startWebhookTarget();
});
afterAll(() => target[Symbol.asyncDispose]());

/** Posts something bad: it is answered in time, and what is taken is stored whole, once; the next good webhook works. */
async function expectHarmless(
  route: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<number> {
  const before = target.log.stored.length;
  const begin = performance.now();
  const answer = await target.post(route, body, headers);
  expect(performance.now() - begin).toBeLessThan(ANSWER_LIMIT_MS);
  expect([200, 400, 413]).toContain(answer.status);
  const stored = target.log.stored.length - before;
  if (answer.status === 200) {
    const receipt = JSON.parse(answer.text);
    expect(receipt.stored).toBe(stored);
    const again = JSON.parse((await target.post(route, body, headers)).text);
    expect(again).toMatchObject({ stored: 0, repeated: receipt.stored + receipt.repeated });
  } else expect(stored).toBe(0);
  await expectWorks();
  return answer.status;
}

async function expectWorks(): Promise<void> {
  const before = target.log.stored.length;
  const answer = await target.post("delivery", bodyOf(deliveryReport({ messageId: `probe-${probe++}` })));
  expect(answer.status).toBe(200);
  expect(target.log.stored.length).toBe(before + 1);
}

function check<T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => Promise<unknown>, numRuns = 100) {
  const property = fc.asyncProperty(arbitrary, async (value) => {
    await predicate(value);
  });
  return fc.assert(property, { seed: SEED, numRuns });
}

const route = fc.constantFrom(...ROUTES);
const CLICK = {
  notificationType: "CLICKED",
  recipient: "385910000001",
  url: "https://example.com/a",
  sendDateTime: 1_767_225_600_000,
  messageId: "message-1",
  recipientInfo: { deviceType: "Phone", os: "Android 14" },
  geoLocationInfo: { countryName: "Croatia", city: "Zagreb" },
};

describe("bytes of good bodies, changed", () => {
  const bodies: readonly [string, string][] = [
    ["delivery", bodyOf(deliveryReport(), deliveryReport({ messageId: "other" }))],
    ["click", JSON.stringify(CLICK)],
    ["click", bodyOf(CLICK, { ...CLICK, url: "https://example.com/b" })],
    ["seen", bodyOf({ event: "SEEN", messageId: "m", seenAt: "2026-05-04T09:30:00.000+0000" })],
    ["inbound", bodyOf({ event: "MO", messageId: "m", content: [{ type: "TEXT", text: "hello" }] })],
  ];
  /** What breaks JSON in ways that bytes at random seldom find. */
  const PIECES = [
    "\\ud800",
    "\\u0000",
    '"',
    "}",
    "[",
    ",",
    ":",
    "1e999",
    "-0",
    "\ufeff",
    "\xff",
    "null,",
    "\\",
  ];
  const change = fc.tuple(fc.nat(), fc.nat(20), fc.constantFrom(...PIECES, ""));
  test("are taken whole or refused whole", () =>
    check(
      fc.tuple(fc.constantFrom(...bodies), fc.array(change, { minLength: 1, maxLength: 4 })),
      ([[path, text], changes]) => {
        let body = text;
        for (const [place, removed, piece] of changes) {
          const at = place % body.length;
          body = body.slice(0, at) + piece + body.slice(at + removed) || "{}";
        }
        return expectHarmless(path, Buffer.from(body, "latin1"));
      },
      200,
    ));
});

describe("clicks of anything", () => {
  const member = fc.constantFrom(...Object.keys(CLICK), "event", "__proto__", "constructor");
  const click = fc
    .dictionary(member, fc.jsonValue(), { noNullPrototype: true })
    .map((changes) => ({ ...CLICK, ...changes }));
  test("become one event each, alone and in lists", () =>
    check(fc.tuple(fc.array(click, { minLength: 1, maxLength: 4 }), fc.nat(2)), async ([clicks, shape]) => {
      const body = [clicks[0], clicks, { results: clicks }][shape];
      const answer = await target.post("click", JSON.stringify(body));
      expect(answer.status).toBe(200);
      const { stored, repeated } = JSON.parse(answer.text);
      expect(stored + repeated).toBe(shape === 0 ? 1 : clicks.length);
    }));
});

describe("numbers, depths and texts at their limits", () => {
  const value = fc.oneof(
    fc.constantFrom(
      "1e400",
      "-1e400",
      "9".repeat(400),
      "0.".padEnd(400, "1"),
      "1E-400",
      "-0",
      "18446744073709551616",
    ),
    fc.constantFrom('"\\ud800"', '"\\udfff\\ud800"', `"${"\\u0000".repeat(50)}"`, `"${"x".repeat(70_000)}"`),
    fc.integer({ min: 1, max: 30_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
    fc.integer({ min: 1, max: 30_000 }).map((depth) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`),
  );
  const name = fc.constantFrom(
    "messageId",
    "doneAt",
    "status",
    "sendDateTime",
    "content",
    "messageCount",
    "platform",
  );
  test("spoil their own item at most", () =>
    check(fc.tuple(route, name, value, fc.nat()), async ([path, member, text, unique]) => {
      const item = `{"event":"DELIVERY","bulkId":"${unique}","${member}":${text}}`;
      expect(await expectHarmless(path, `{"results":[${item}]}`)).toBe(200);
    }));
});

describe("XML that is made to hurt", () => {
  const report =
    "<results><results><messageId>1</messageId><status><groupId>3</groupId></status></results></results>";
  const laughs = Array.from({ length: 20 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join(
    "",
  );
  test.each([
    [
      "entities that multiply",
      `<!DOCTYPE r [<!ENTITY l0 "ha">${laughs}]><r><results><results><messageId>&l20;</messageId></results></results></r>`,
    ],
    [
      "an external entity",
      `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><results><results><messageId>&x;</messageId></results></results></r>`,
    ],
    [
      "a parameter entity from elsewhere",
      `<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]><r>${report}</r>`,
    ],
    [
      "an entity that is itself",
      `<!DOCTYPE r [<!ENTITY a "&a;">]><r><results><results><messageId>&a;</messageId></results></results></r>`,
    ],
    ["tags nested deep", "<a>".repeat(50_000) + "</a>".repeat(50_000)],
    ["tags that never end", "<a>".repeat(50_000)],
    [
      "very many attributes",
      `<r ${Array.from({ length: 20_000 }, (_, n) => `a${n}="1"`).join(" ")}>${report}</r>`,
    ],
    [
      "character references out of range",
      "<r><results><results><messageId>&#x110000;&#0;&#xD800;</messageId></results></results></r>",
    ],
    ["CDATA without end", `<r><results><results><messageId><![CDATA[x</messageId></results></results></r>`],
    ["a comment without end", `<r><!-- ${report}</r>`],
  ])("%s", async (_name, body) => {
    await expectHarmless("delivery", body, { "content-type": "application/xml" });
    expect(target.events().some(({ rawBody }) => Buffer.from(rawBody ?? []).includes("root:"))).toBe(false);
  });
});

describe("charsets and encodings that are not what they say", () => {
  const text = bodyOf(deliveryReport({ messageId: "č", callbackData: "žluťoučký" }));
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
  const body = fc.constantFrom(
    Buffer.from(text),
    Buffer.from(text, "latin1"),
    utf16,
    Buffer.from(utf16).swap16(),
    Buffer.from(`\ufeff${text}`),
    gzipSync(text),
    gzipSync(gzipSync(text)),
    gzipSync(text).subarray(0, -9),
    Buffer.concat([gzipSync(text), gzipSync(text)]),
    deflateSync(text),
  );
  const type = fc.constantFrom(
    "application/json",
    "application/json; charset=utf-16",
    "text/xml; charset=ebcdic",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    ";;;",
  );
  const encoding = fc.constantFrom("identity", "gzip", "GZIP", "deflate");
  test("are read as what they are, or refused", () =>
    check(fc.tuple(route, body, type, encoding), ([path, bytes, contentType, contentEncoding]) =>
      expectHarmless(path, bytes, { "content-type": contentType, "content-encoding": contentEncoding }),
    ));
});
