import { describe, expect, test } from "vitest";
import { readConfig } from "../src/config/load-config.ts";
import { sources, VALID } from "./config-sources.ts";

async function problems(...input: Parameters<typeof sources>): Promise<string[]> {
  const { problems: found, config } = await readConfig(sources(...input));
  expect(config === undefined).toBe(found.length > 0);
  return found.map(({ setting, origin, message }) => `${setting} | ${origin} | ${message}`);
}

test("all problems come at once, each with its setting and origin", async () => {
  const environment = { INFOBIP_RPC_GRPC_LISTEN: "nowhere", INFOBIP_RPC_DRAIN_TIMEOUT: "soon" };
  const file = "upstream:\n  connections: 0\n";
  expect(await problems(environment, { "--log-level": "loud" }, { "config.yaml": file })).toEqual([
    "upstream.connections | config.yaml:2 | must be between 1 and 1024",
    "grpc.listen | INFOBIP_RPC_GRPC_LISTEN | must be host:port, such as 127.0.0.1:50051 or [::1]:50051, or unix:/path",
    "log.level | --log-level | must be one of trace, debug, info, warn, error, fatal, silent",
    "drain_timeout | INFOBIP_RPC_DRAIN_TIMEOUT | must be between 0ms and 1h",
    expect.stringMatching(/^upstream\.base_url \| default \| is required/),
    "upstream.api_key | default | is required with auth: app",
  ]);
});

test("unknown keys of a file are fatal and named with the nearest known one", async () => {
  const file = "grpc:\n  lisen: 127.0.0.1:1\nzzzzzzzzzz: 1\ndata_dir: {a: b}\nwebhook: 3\n";
  expect(await problems(VALID, {}, { "config.yaml": file })).toEqual([
    "grpc.lisen | config.yaml:2 | unknown setting; did you mean grpc.listen?",
    "zzzzzzzzzz | config.yaml:3 | unknown setting",
    "data_dir | config.yaml:4 | must be a single value",
    "webhook | config.yaml:5 | must hold settings of its own",
  ]);
});

test("unknown INFOBIP_RPC_ variables are fatal and named with the nearest known one", async () => {
  expect(await problems({ ...VALID, INFOBIP_RPC_GPRC_LISTEN: "x", OTHER_THING: "y" })).toEqual([
    "INFOBIP_RPC_GPRC_LISTEN | environment | unknown environment variable; did you mean INFOBIP_RPC_GRPC_LISTEN?",
  ]);
});

test("variables that Kubernetes sets for a Service of the same name are no settings", async () => {
  const links = {
    INFOBIP_RPC_SERVICE_HOST: "10.0.0.1",
    INFOBIP_RPC_SERVICE_PORT: "50051",
    INFOBIP_RPC_SERVICE_PORT_GRPC: "50051",
    INFOBIP_RPC_PORT: "tcp://10.0.0.1:50051",
    INFOBIP_RPC_PORT_50051_TCP: "tcp://10.0.0.1:50051",
    INFOBIP_RPC_PORT_50051_TCP_ADDR: "10.0.0.1",
    INFOBIP_RPC_HOOKS_SERVICE_HOST: "10.0.0.2",
  };
  expect(await problems({ ...VALID, ...links })).toEqual([]);
});

test("a broken or missing file is named with its place", async () => {
  expect(await problems(VALID, {}, { "config.yaml": "a: [1\n" })).toEqual([
    expect.stringMatching(/^config\.yaml \| config\.yaml:\d \| is no valid YAML/),
  ]);
  expect(await problems(VALID, {}, { "config.yaml": "- 1\n" })).toEqual([
    "config.yaml | config.yaml | must hold a mapping of settings",
  ]);
  expect(await problems({ ...VALID, INFOBIP_RPC_CONFIG: "gone.yaml" })).toEqual([
    "gone.yaml | INFOBIP_RPC_CONFIG | cannot be read: no such file",
  ]);
  expect(await problems(VALID, {}, { "config.yaml": "# nothing\n" })).toEqual([]);
});

describe("rules between settings", () => {
  const SECRET = "0123456789abcdef";
  const cases: [string, Record<string, string>, RegExp | undefined][] = [
    [
      "http upstream",
      { "--upstream-base-url": "http://abc.api.infobip.com" },
      /upstream\.base_url .* plain http:\/\/ is allowed to this machine only/,
    ],
    ["loopback upstream", { "--upstream-base-url": "http://127.0.0.1:9" }, undefined],
    [
      "credentials in the URL",
      { "--upstream-base-url": "https://u:p@abc.api.infobip.com" },
      /must not hold credentials/,
    ],
    ["open API listener", { "--grpc-listen": "0.0.0.0:1" }, /grpc\.listen .* insecure_listen: true/],
    ["open API listener, allowed", { "--http-listen": "0.0.0.0:1", "--insecure-listen": "true" }, undefined],
    [
      "open webhook listener",
      { "--webhook-listen": "0.0.0.0:1" },
      /webhook\.secret .* when webhook\.listen can be reached from other machines/,
    ],
    [
      "webhook listener that asks for a secret",
      { "--webhook-listen": "0.0.0.0:1", "--webhook-secret": SECRET },
      undefined,
    ],
    ["both API listeners off", { "--grpc-listen": "", "--http-listen": "" }, /turn one of them on/],
    [
      "shared address",
      { "--grpc-listen": "127.0.0.1:8081" },
      /webhook\.listen .* is the address of grpc\.listen too/,
    ],
    ["shared port 0", { "--grpc-listen": "127.0.0.1:0", "--http-listen": "127.0.0.1:0" }, undefined],
    [
      "public URL without secret",
      { "--webhook-public-url": "https://h.example.com" },
      /webhook\.secret .* openssl rand -hex 24/,
    ],
    ["short secret", { "--webhook-secret": "short" }, /webhook\.secret .* at least 16 characters/],
    [
      "secret that breaks the URL",
      { "--webhook-secret": `${SECRET}/x` },
      /webhook\.secret .* letters, digits/,
    ],
    [
      "public URL with secret",
      { "--webhook-public-url": "https://h.example.com/", "--webhook-secret": SECRET },
      undefined,
    ],
    [
      "basic without password",
      { "--upstream-auth": "basic", "--upstream-username": "u" },
      /upstream\.password .* required with auth: basic/,
    ],
    [
      "oauth",
      { "--upstream-auth": "oauth", "--upstream-client-id": "u", "--upstream-client-secret": "s" },
      undefined,
    ],
    ["line break in a secret", { "--upstream-api-key": "a\nb" }, /upstream\.api_key .* control characters/],
  ];
  test.each(cases)("%s", async (_, flags, expected) => {
    const found = await problems(VALID, flags);
    if (expected === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(expected)]);
  });
});
