import { describe, expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { sources, VALID } from "./config-sources.ts";

const OFF = { "--grpc-listen": "", "--http-listen": "" };
const PULLS = { "--pull-reports": "true", "--pull-inbound": "SMS" };

async function problems(flags: Record<string, string>): Promise<string[]> {
  const { problems: found } = await readConfig(sources(VALID, flags));
  return found.map(({ setting, message }) => `${setting} ${message}`);
}

test("a process has all roles by default, and those it is given, each once and in order", async () => {
  const roles = async (flags: Record<string, string>, files = {}) =>
    (await loadConfig(sources(VALID, flags, files))).roles;
  expect(await roles({})).toEqual(["send", "events", "intake"]);
  expect(await roles({ "--roles": "intake send,intake" })).toEqual(["send", "intake"]);
  expect(await roles({}, { "config.yaml": "roles: [events]\n" })).toEqual(["events"]);
});

test.each(["", " , ", "sender", "send,all"])("%j are no roles", async (text) => {
  expect(await problems({ "--roles": text })).toEqual([
    "roles must be a list of send, events, intake, at least one of them",
  ]);
});

test("what no role needs is off", async () => {
  const flags = { ...PULLS, "--webhook-secret": "0123456789abcdef" };
  const on = async (roles: string) => {
    const { grpc, http, webhook, pull, admin } = await loadConfig(
      sources(VALID, { ...flags, "--roles": roles }),
    );
    const open = Object.entries({ grpc, http, webhook, admin }).filter(
      ([, { listen }]) => listen !== undefined,
    );
    return [...open.map(([name]) => name), ...(pull.reports ? ["reports"] : []), ...pull.inbound];
  };
  expect(await on("send")).toEqual(["grpc", "http", "admin"]);
  expect(await on("events")).toEqual(["grpc", "http", "admin"]);
  expect(await on("intake")).toEqual(["webhook", "admin", "reports", "SMS"]);
  expect(await on("events,intake")).toEqual(["grpc", "http", "webhook", "admin", "reports", "SMS"]);
});

test("a process that takes no webhooks still puts their URLs into messages", async () => {
  const flags = {
    "--roles": "send",
    "--webhook-public-url": "https://hooks.example.com",
    "--webhook-secret": "0123456789abcdef",
  };
  const { webhook } = await loadConfig(sources(VALID, flags));
  expect([webhook.publicUrl, webhook.secret?.reveal()]).toEqual([
    "https://hooks.example.com",
    "0123456789abcdef",
  ]);
});

describe("rules look at what the roles open", () => {
  test.each<[string, Record<string, string>, RegExp | undefined]>([
    ["no API listener for intake", { ...OFF, "--roles": "intake" }, undefined],
    ["no API listener for sending", { ...OFF, "--roles": "send,intake" }, /^grpc\.listen is off/],
    ["no API listener for events", { ...OFF, "--roles": "events" }, /^grpc\.listen is off/],
    [
      "nothing to do",
      { "--roles": "intake", "--webhook-listen": "" },
      /^webhook\.listen .* roles: intake has nothing to do/,
    ],
    ["only pulling", { ...PULLS, "--roles": "intake", "--webhook-listen": "" }, undefined],
    [
      "an open API listener that is not opened",
      { "--roles": "intake", "--grpc-listen": "0.0.0.0:1" },
      undefined,
    ],
    [
      "an open API listener",
      { "--roles": "events", "--grpc-listen": "0.0.0.0:1" },
      /^grpc\.listen .* insecure_listen/,
    ],
    ["open webhooks that are not opened", { "--roles": "send", "--webhook-listen": "0.0.0.0:1" }, undefined],
    [
      "open webhooks",
      { "--roles": "intake", "--webhook-listen": "0.0.0.0:1" },
      /^webhook\.secret must be set/,
    ],
    [
      "an address of a listener that is not opened",
      { "--roles": "send", "--grpc-listen": "127.0.0.1:8081" },
      undefined,
    ],
    [
      "the admin listener's address",
      { "--roles": "send", "--admin-listen": "127.0.0.1:8080" },
      /^admin\.listen is the address of http\.listen/,
    ],
  ])("%s", async (_, flags, expected) => {
    const found = await problems(flags);
    expect(found).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
  });
});
