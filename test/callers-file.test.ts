import { describe, expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { CallerDirectory } from "../src/callers/caller-directory.ts";
import { tokenHash, tokenOf } from "../src/callers/caller-token.ts";
import { MAX_CALLERS } from "../src/callers/callers-schema.ts";
import { parseCallers } from "../src/callers/parse-callers.ts";
import { callersYaml, type Entry, tokenFor } from "./callers-rig.ts";

const SECRET = "irpc_a-token-in-the-wrong-place-0123456789";

function problem(text: string): string {
  try {
    new CallerDirectory(text);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the file was taken");
}

const entry = (changes: Entry): string => callersYaml([{ name: "shop", scopes: ["send"], ...changes }]);

test("a whole entry is read", () => {
  const [read] = parseCallers(
    entry({
      token_sha256: [tokenHash(tokenFor("a")).toUpperCase(), tokenHash(tokenFor("b"))],
      certificates: ["spiffe://example.org/shop", "spiffe://example.org/desk/*", "dns:shop.example.org"],
      scopes: ["send", "events"],
      channels: ["sms", "CHANNEL_VIBER_BM", "RCS"],
      senders: ["Shop"],
      application_ids: ["app"],
      entity_ids: ["entity"],
      messages_per_second: 20,
      webhook_urls: true,
    }),
  );
  expect(read?.tokenHashes).toEqual([tokenHash(tokenFor("a")), tokenHash(tokenFor("b"))]);
  expect(read?.caller).toEqual({
    name: "shop",
    scopes: new Set(["send", "events"]),
    channels: new Set([Channel.SMS, Channel.VIBER_BM, Channel.RCS]),
    senders: new Set(["Shop"]),
    applicationIds: new Set(["app"]),
    entityIds: new Set(["entity"]),
    messagesPerSecond: 20,
    webhookUrls: true,
  });
});

describe("an error names entry and field, and shows nothing of the file", () => {
  test.each([
    [
      "a token for its hash",
      entry({ token_sha256: [SECRET] }),
      'caller "shop", token_sha256[0]: must be the SHA-256',
    ],
    [
      "a token for a name",
      callersYaml([{ name: SECRET, scopes: ["send"] }]),
      "callers[0], name: must be 1 to 63",
    ],
    [
      "a token for a field",
      entry({ [SECRET]: true }),
      'caller "shop": has a field that a callers file does not know',
    ],
    ["an unknown field", entry({ rate: 1 }), 'caller "shop": has `rate` that'],
    [
      "an unknown scope",
      entry({ scopes: [SECRET] }),
      'caller "shop", scopes[0]: must be one of send, submit',
    ],
    ["no scope", entry({ scopes: [] }), 'caller "shop", scopes: must list'],
    ["an unknown channel", entry({ channels: ["fax"] }), 'caller "shop", channels[0]: must be one of'],
    ["an empty list", entry({ senders: [] }), 'caller "shop", senders: must list 1 to 1000 senders'],
    [
      "a bad certificate",
      entry({ certificates: [`spiffe://${SECRET}/*/x`] }),
      'caller "shop", certificates[0]:',
    ],
    [
      "a rate of none",
      entry({ messages_per_second: 0 }),
      'caller "shop", messages_per_second: must be a whole number',
    ],
    [
      "no credentials",
      entry({ token_sha256: undefined }),
      'caller "shop": needs token_sha256 or certificates',
    ],
    [
      "a limit beside admin",
      entry({ scopes: ["admin"], senders: ["Shop"] }),
      'caller "shop", senders: has no effect with the scope admin',
    ],
    ["too many tokens", entry({ token_sha256: Array(11).fill("a".repeat(64)) }), "must list 1 to 10 hashes"],
    ["no YAML", `callers:\n  - name: "${SECRET}\n`, "is no YAML"],
    ["text", SECRET, "must hold `callers:` and a list"],
    ["nothing", "", "must hold `callers:` and a list"],
    ["aliases", `callers: [&a {name: ${SECRET}}, *a]`, "must not use YAML aliases"],
  ])("%s", (_what, text, expected) => {
    const message = problem(text);
    expect(message).toContain(expected);
    expect(message).not.toContain(SECRET);
  });

  test("two callers with one name, token or certificate", () => {
    const [one, two] = ["one", "two"].map((name) => ({ name, scopes: ["send"] }));
    const token_sha256 = [tokenHash(tokenFor("same"))];
    const certificates = ["spiffe://example.org/a"];
    expect(problem(callersYaml([one ?? {}, one ?? {}]))).toContain(
      'caller "one", name: another caller has this name',
    );
    expect(
      problem(
        callersYaml([
          { ...one, token_sha256 },
          { ...two, token_sha256 },
        ]),
      ),
    ).toContain('caller "two", token_sha256[0]: is there twice');
    expect(
      problem(
        callersYaml([
          { ...one, certificates },
          { ...two, certificates },
        ]),
      ),
    ).toContain('caller "two", certificates[0]: is there twice');
  });

  test("too many callers", () => {
    const entries = Array.from({ length: MAX_CALLERS + 1 }, (_, index) => ({
      name: `c${index}`,
      scopes: ["send"],
    }));
    expect(problem(callersYaml(entries))).toContain(`must list at most ${MAX_CALLERS} callers`);
  });
});

describe("certificates", () => {
  const directory = new CallerDirectory(
    callersYaml([
      { name: "exact", scopes: ["send"], certificates: ["spiffe://example.org/shop/till"] },
      { name: "shop", scopes: ["send"], certificates: ["spiffe://example.org/shop/*"] },
      { name: "domain", scopes: ["send"], certificates: ["spiffe://example.org/*"] },
      { name: "dns", scopes: ["send"], certificates: ["dns:Desk.example.org"] },
    ]),
  );
  test.each([
    ["the same URI", ["spiffe://example.org/shop/till"], [], "exact"],
    ["a URI below", ["spiffe://example.org/shop/desk/7"], [], "shop"],
    ["a URI below another", ["spiffe://example.org/other"], [], "domain"],
    ["the path itself", ["spiffe://example.org/shop"], [], "domain"],
    ["an empty name below a path", ["spiffe://example.org/shop/"], [], "domain"],
    ["a longer name", ["spiffe://example.org/shopping/till"], [], "domain"],
    ["the domain itself", ["spiffe://example.org"], [], undefined],
    ["a longer domain", ["spiffe://example.org.evil/shop/till"], [], undefined],
    ["another case", ["spiffe://EXAMPLE.org/shop/till"], [], undefined],
    ["another scheme", ["https://example.org/shop/till"], [], undefined],
    ["a DNS name", [], ["desk.EXAMPLE.org"], "dns"],
    ["a DNS name below", [], ["a.desk.example.org"], undefined],
    ["a URI that is a DNS name", ["desk.example.org"], [], undefined],
    ["a DNS name that is a URI", [], ["spiffe://example.org/shop/till"], undefined],
    ["several", ["https://x", "spiffe://example.org/a", "spiffe://example.org/shop/till"], [], "exact"],
    ["nothing", [], [], undefined],
  ])("%s", (_what, uris, dnsNames, name) => {
    expect(directory.byCertificate({ uris, dnsNames })?.name).toBe(name);
  });
});

test("a token has 256 bits and a prefix that scanners know", () => {
  const bytes = new Uint8Array(32).fill(255);
  expect(tokenOf(bytes)).toBe(`irpc_${Buffer.from(bytes).toString("base64url")}`);
  expect(tokenOf(bytes)).toHaveLength(48);
});
