import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { tokenHash } from "../src/callers/caller-token.ts";
import { createLogger } from "../src/log.ts";
import { callersYaml, failureOf, sms, startCallersRig, tokenFor } from "./callers-rig.ts";

const TOKEN = tokenFor("shop");
const CALLERS = [{ name: "shop", scopes: ["send", "submit", "events"] }];
const LISTENERS = ["grpc", "http"] as const;

/** What of a token must not be anywhere. */
function expectNoToken(text: string): void {
  for (const part of [TOKEN, tokenFor("nobody"), TOKEN.slice(5, 20), tokenHash(TOKEN)]) {
    expect(text).not.toContain(part);
  }
}

test("what a caller signs in with never goes to Infobip", async () => {
  const seen: { headers: IncomingHttpHeaders; raw: string }[] = [];
  await using upstream = createServer((request, response) => {
    seen.push({ headers: request.headers, raw: `${request.url} ${request.rawHeaders.join(" ")}` });
    request.resume();
    response.writeHead(400, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  await using rig = await startCallersRig(CALLERS, {
    flags: { "--upstream-base-url": `http://127.0.0.1:${port}` },
  });
  for (const listener of LISTENERS) {
    const { messages } = rig.as("shop", listener);
    await failureOf(messages.sendMessages({ messages: [sms()] }));
    await failureOf(messages.validateMessages({ messages: [sms()] }));
  }
  expect(seen).toHaveLength(4);
  for (const { headers, raw } of seen) {
    expect(headers.authorization).toBe("App simulator");
    expectNoToken(raw);
    expect(raw).not.toMatch(/bearer/i);
  }
});

test("no log line, error or header of an answer shows a token, whether it is known or not", async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: "trace",
    format: "json",
    write: (line) => lines.push(line),
    now: Date.now,
  });
  await using rig = await startCallersRig(CALLERS, { log });
  for (const listener of LISTENERS) {
    const answers: string[] = [];
    const keep = (headers: Headers) => answers.push(JSON.stringify([...headers]));
    const options = { onHeader: keep, onTrailer: keep };
    await rig.as("shop", listener).messages.sendMessages({ messages: [sms()] }, options);
    const failure = await failureOf(
      rig.as("nobody", listener).messages.sendMessages({ messages: [sms()] }, options),
    );
    expectNoToken(JSON.stringify([answers, failure]));
  }
  // A token that was put where its hash belongs must not be logged when the file is read.
  await rig.replace([{ name: "shop", scopes: ["send"], token_sha256: [TOKEN] }]);
  await rig.replace([{ name: "shop", scopes: ["send"], [TOKEN]: true }]);
  expect(lines.join("")).toContain("the callers file cannot be used");
  expectNoToken(lines.join(""));
  const metrics = await (await fetch(`http://${rig.addresses.admin}/metrics`)).text();
  expectNoToken(metrics);
});

test("the log names who called", async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: "debug",
    format: "json",
    write: (line) => lines.push(line),
    now: Date.now,
  });
  await using rig = await startCallersRig(CALLERS, { log });
  await rig.as("shop").messages.sendMessages({ messages: [sms()] });
  await rig
    .as("shop")
    .messages.sendMessages({ messages: [] })
    .catch(() => undefined);
  await rig.service.drain();
  expect(
    lines.filter((line) => line.includes("SendMessages") && line.includes('"caller":"shop"')).length,
  ).toBeGreaterThan(0);
});

test("the file holds hashes only", () => {
  expect(callersYaml(CALLERS)).toContain(tokenHash(TOKEN));
  expect(callersYaml(CALLERS)).not.toContain(TOKEN);
});
