import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { freePort } from "../src/cli/free-port.ts";
import type { FaultRule } from "../src/simulator/fault.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { selfSignedCertificate } from "./fixtures/self-signed-certificate.ts";
import { type SendEnding, type SendOnce, sendInStream, sendUnary } from "./fixtures/send-ending.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

interface Mode {
  readonly name: string;
  readonly send: SendOnce;
  /** The listener answers a deadline that passes by itself, and knows of no messages. */
  readonly endsByListener: boolean;
}

const MODES: readonly Mode[] = [
  { name: "SendMessages", send: sendUnary, endsByListener: true },
  { name: "StreamMessages", send: sendInStream, endsByListener: false },
];

/** What a call is tried; with 1 s and more between the attempts after a 503. */
const MAX_ATTEMPTS = 2;
const FLAGS = {
  "--sending-max-attempts": String(MAX_ATTEMPTS),
  // Each row fails, so they would open it.
  "--sending-circuit-failures": "0",
  "--upstream-headers-timeout": "1s",
};

interface Row {
  readonly title: string;
  readonly fault: FaultRule;
  /** Whether a 429 of the row holds back the rows after it. */
  readonly pauses?: boolean;
  readonly timeoutMs?: number;
  readonly code?: Code;
  readonly reason?: string;
  readonly domain?: string;
  readonly outcome: "SENT" | "NOT_SENT" | "UNKNOWN";
  readonly metadata?: Readonly<Record<string, string>>;
  readonly retryDelayMs?: number;
  readonly fields?: readonly string[];
  /** Whether an unknown outcome names the messages; default true. */
  readonly listsMessages?: boolean;
  /** Requests that reach Infobip; default 1. */
  readonly requests?: number;
}

const UPSTREAM = "api.infobip.com";
const OWN = "infobip-rpc";
const ALWAYS = 100;
const TRIED = { requests: MAX_ATTEMPTS, metadata: { attempts: String(MAX_ATTEMPTS) } } as const;
/** The deadline alone bounds repeats after a 429. */
const TRIED_IN_TIME = { requests: 3, metadata: { attempts: "3" }, timeoutMs: 3_000 } as const;

function refusal(title: string, fault: FaultRule, code: Code, reason: string, more: Partial<Row> = {}): Row {
  return {
    title,
    fault: { count: ALWAYS, ...fault },
    code,
    reason,
    domain: UPSTREAM,
    outcome: "NOT_SENT",
    ...more,
  };
}

/** A row for each of the two things that can have happened: the request took effect, or it did not. */
function uncertain(
  title: string,
  fault: FaultRule,
  code: Code,
  reason: string,
  more: Partial<Row> = {},
): Row[] {
  return [true, false].map((accept) => ({
    title: `${title}, ${accept ? "messages taken" : "messages not taken"}`,
    fault: { count: ALWAYS, accept, ...fault },
    code,
    reason,
    outcome: "UNKNOWN",
    ...more,
  }));
}

const VIOLATIONS = [
  { property: "messages[0].content.body.text", violation: "must not be empty" },
  { property: "messages[0].destinations[1].to", violation: "must be a number" },
];

const rateLimited = (title: string, fault: Partial<FaultRule>, more: Partial<Row>) =>
  refusal(title, { kind: "rate-limited", ...fault }, Code.ResourceExhausted, "UPSTREAM_RATE_LIMITED", {
    pauses: true,
    ...more,
  });
const unavailable = (title: string, fault: Partial<FaultRule>, more: Partial<Row>) =>
  refusal(title, { kind: "unavailable", ...fault }, Code.Unavailable, "UPSTREAM_FAILED", more);
const lost = (title: string, fault: FaultRule, more: Partial<Row> = {}) =>
  uncertain(title, fault, Code.Unknown, "SEND_OUTCOME_UNKNOWN", { domain: OWN, ...more });
const lostLate = (title: string, fault: FaultRule) =>
  uncertain(title, fault, Code.DeadlineExceeded, "SEND_OUTCOME_UNKNOWN", { domain: OWN, timeoutMs: 400 });

const ROWS: readonly Row[] = [
  refusal("401", { kind: "unauthorized" }, Code.Unauthenticated, "UPSTREAM_CREDENTIALS_REJECTED"),
  refusal("403", { kind: "forbidden" }, Code.PermissionDenied, "UPSTREAM_FORBIDDEN"),
  refusal("400", { kind: "bad-request", violations: VIOLATIONS }, Code.InvalidArgument, "UPSTREAM_REJECTED", {
    fields: [
      "messages[0].message.content.body.text.text",
      "messages[0].message.destinations[1].to_destination.to",
    ],
  }),
  ...uncertain("500", { kind: "server-error" }, Code.Internal, "UPSTREAM_FAILED", { domain: UPSTREAM }),
  ...lost("502", { kind: "bad-gateway" }, { domain: UPSTREAM }),
  ...lost("504", { kind: "gateway-timeout" }, { domain: UPSTREAM }),
  unavailable("503", {}, { ...TRIED, retryDelayMs: 1_000 }),
  unavailable("503 with Retry-After", { retryAfterSeconds: 1 }, { ...TRIED, retryDelayMs: 1_000 }),
  unavailable(
    "503 whose Retry-After is past the deadline",
    { retryAfterSeconds: 7 },
    { timeoutMs: 2_000, retryDelayMs: 7_000 },
  ),
  { title: "503 once", fault: { kind: "unavailable", retryAfterSeconds: 0 }, outcome: "SENT", requests: 2 },
  lost("reset before the body was read", { kind: "reset-before-body" })[1] as Row,
  ...lost("reset after the body", { kind: "reset-after-body" }),
  ...lost("no answer in time", { kind: "hang" }),
  ...lostLate("no answer before the deadline", { kind: "hang" }),
  ...lostLate("a body slower than the deadline", { kind: "slow-body", durationMs: 5_000 }),
  {
    title: "a body faster than the deadline",
    fault: { kind: "slow-body", durationMs: 100 },
    timeoutMs: 10_000,
    outcome: "SENT",
  },
  ...lost("a body that is no JSON", { kind: "garbage-body" }, { domain: UPSTREAM }),
  ...lost("half a body", { kind: "truncated-body" }, { domain: UPSTREAM }),
  rateLimited("429", {}, { ...TRIED_IN_TIME, retryDelayMs: 1_000 }),
  rateLimited("429 with Retry-After", { retryAfterSeconds: 1 }, { ...TRIED_IN_TIME, retryDelayMs: 1_000 }),
  rateLimited(
    "429 whose Retry-After is past the deadline",
    { retryAfterSeconds: 7 },
    { timeoutMs: 2_000, retryDelayMs: 7_000 },
  ),
  {
    title: "429 once",
    fault: { kind: "rate-limited", retryAfterSeconds: 0 },
    pauses: true,
    outcome: "SENT",
    requests: 2,
  },
];

let newestCall = 0;

/** A message to two people. */
function aRequest() {
  const messageIds = ["a", "b"].map((name) => `call-${++newestCall}-${name}`);
  const destinations = messageIds.map((messageId, place) => ({
    kind: { case: "toDestination" as const, value: { to: `4179000000${place}`, messageId } },
  }));
  const content = { body: { type: { case: "text" as const, value: { text: "Hello" } } } };
  const message = { channel: Channel.SMS, sender: "Shop", destinations, content };
  return { messageIds, request: { messages: [{ kind: { case: "message" as const, value: message } }] } };
}

function accepted({ simulator }: ServiceRig, messageIds: readonly string[]): number[] {
  return messageIds.map((id) => simulator.counts(id).accepted);
}

/** What must hold of every error that a send ends with. */
function expectConsistent(ending: SendEnding, messageIds: readonly string[], listsMessages = true): void {
  const { outcome, message_ids: listed } = ending.metadata;
  expect(outcome).toMatch(/^(NOT_SENT|UNKNOWN)$/);
  expect(listed).toBe(outcome === "UNKNOWN" && listsMessages ? messageIds.join(",") : undefined);
  if (outcome === "UNKNOWN") expect([Code.Unavailable, Code.Aborted]).not.toContain(ending.code);
}

/** The row as it looks where the listener ends the call: the outcome is the same, without the ids. */
function endedByListener(row: Row): Row {
  const isLate = row.code === Code.DeadlineExceeded;
  return isLate ? { ...row, reason: "DEADLINE_EXCEEDED", listsMessages: false } : row;
}

async function runRow(rig: ServiceRig, given: Row, { send, endsByListener }: Mode): Promise<void> {
  const row = endsByListener ? endedByListener(given) : given;
  rig.simulator.clearFaults();
  rig.simulator.injectFaults({ endpoints: ["messages"], ...row.fault });
  const before = rig.simulator.stats().requests.messages;
  const { messageIds, request } = aRequest();
  const ending = await send(rig.messages, request, row.timeoutMs);
  const each = (value: number) => messageIds.map(() => value);
  if (row.outcome === "SENT") {
    expect(ending).toMatchObject({ code: undefined, outcomes: ["SENT", "SENT"] });
    expect(accepted(rig, messageIds)).toEqual(each(1));
  } else {
    const { code, reason, domain } = row;
    expect(ending).toMatchObject({
      code,
      reason,
      domain,
      metadata: { outcome: row.outcome, ...row.metadata },
    });
    expect(ending.retryDelayMs).toBe(row.retryDelayMs);
    expect(ending.fields).toEqual(row.fields ?? []);
    expectConsistent(ending, messageIds, row.listsMessages);
    expect(accepted(rig, messageIds)).toEqual(each(row.outcome === "UNKNOWN" && row.fault.accept ? 1 : 0));
  }
  expect(rig.simulator.stats().requests.messages - before).toBe(row.requests ?? 1);
}

describe.each(MODES)("$name", (mode) => {
  const { send } = mode;
  let shared: ServiceRig;
  beforeAll(async () => {
    shared = await startServiceRig({ flags: FLAGS });
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  test.each(ROWS.filter(({ pauses }) => !pauses))("$title: $outcome", (row) => runRow(shared, row, mode));

  test.each(ROWS.filter(({ pauses }) => pauses))("$title: $outcome", async (row) => {
    await using rig = await startServiceRig({ flags: FLAGS });
    await runRow(rig, row, mode);
  });

  test("a rejection of one of two messages: each has its own outcome", async () => {
    shared.simulator.clearFaults();
    shared.simulator.injectFaults({ kind: "partial-rejection" });
    const [first, second] = [aRequest(), aRequest()];
    const messages = [...first.request.messages, ...second.request.messages];
    const ending = await send(shared.messages, { messages }, undefined);
    const taken = accepted(shared, [...first.messageIds, ...second.messageIds]);
    expect(ending.outcomes).toEqual(taken.map((count) => (count === 1 ? "SENT" : "NOT_SENT")));
    expect(new Set(taken)).toEqual(new Set([0, 1]));
  });

  test("a closed port: NOT_SENT", async () => {
    await expectUnreachable(send, `http://127.0.0.1:${await freePort()}`);
  });

  test("a name that does not exist: NOT_SENT", () => expectUnreachable(send, "https://no-such-host.invalid"));

  test("TLS to a port without it: NOT_SENT", async () => {
    await using plain = createSimulator();
    await expectUnreachable(send, (await plain.start()).replace("http:", "https:"));
    expect(plain.stats().messages.accepted).toBe(0);
  });

  test("a certificate that is not trusted: NOT_SENT", async () => {
    let received = 0;
    const server = createServer(selfSignedCertificate(), (socket) => {
      socket.on("error", () => {}).on("data", () => received++);
    });
    server.on("tlsClientError", () => {}).listen(0, "localhost");
    await once(server, "listening");
    try {
      await expectUnreachable(send, `https://localhost:${(server.address() as AddressInfo).port}`);
      expect(received).toBe(0);
    } finally {
      server.close();
    }
  });
});

async function expectUnreachable(send: SendOnce, baseUrl: string): Promise<void> {
  await using rig = await startServiceRig({ flags: { ...FLAGS, "--upstream-base-url": baseUrl } });
  const { messageIds, request } = aRequest();
  const ending = await send(rig.messages, request, undefined);
  const metadata = { outcome: "NOT_SENT", attempts: String(MAX_ATTEMPTS) };
  expect(ending).toMatchObject({
    code: Code.Unavailable,
    reason: "UPSTREAM_UNREACHABLE",
    domain: OWN,
    metadata,
  });
  expectConsistent(ending, messageIds);
}
