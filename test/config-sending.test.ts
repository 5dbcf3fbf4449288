import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { sources, VALID } from "./config-sources.ts";

test("sending has no rate limit by default, and bounds on everything else", async () => {
  const { sending, submissions, upstream } = await loadConfig(sources(VALID));
  expect(sending).toEqual({
    maxBatch: 100,
    maxQueuedBytes: 64 * 1024 ** 2,
    maxAttempts: 4,
    rateLimit: { total: 0, channels: new Map() },
    circuitFailures: 5,
    requestIds: { windowMs: 24 * 3_600_000, maxBytes: 2 * 1024 ** 3 },
  });
  expect(submissions).toEqual({
    maxWaiting: 1_000_000,
    maxBytes: 1024 ** 3,
    maxAgeMs: 3 * 86_400_000,
    retentionMs: 7 * 86_400_000,
  });
  expect(upstream.maxQueued).toBe(16_384);
});

test("every channel can have a rate limit of its own", async () => {
  const file = `sending:
  rate_limit: {total: 1000, apple_mb: 1, instagram_dm: 2, line_on: 3, messenger: 4, mms: 5, rcs: 6, sms: 7}
`;
  const environment = { ...VALID, INFOBIP_RPC_SENDING_RATE_LIMIT_VIBER_BM: "8" };
  const flags = { "--sending-rate-limit-viber-bot": "9", "--sending-rate-limit-whatsapp": "10" };
  const { sending } = await loadConfig(sources(environment, flags, { "config.yaml": file }));
  expect(sending.rateLimit.total).toBe(1_000);
  expect([...sending.rateLimit.channels]).toEqual([
    [Channel.APPLE_MB, 1],
    [Channel.INSTAGRAM_DM, 2],
    [Channel.LINE_ON, 3],
    [Channel.MESSENGER, 4],
    [Channel.MMS, 5],
    [Channel.RCS, 6],
    [Channel.SMS, 7],
    [Channel.VIBER_BM, 8],
    [Channel.VIBER_BOT, 9],
    [Channel.WHATSAPP, 10],
  ]);
});

test("values out of bounds are refused", async () => {
  const file = `sending: {max_batch: 0, max_attempts: 21, request_id_window: 59m, circuit_failures: -1}
submissions: {max_waiting: 0, retention: 23h}
`;
  const { problems } = await readConfig(sources(VALID, {}, { "config.yaml": file }));
  expect(problems.map(({ setting, message }) => `${setting} ${message}`)).toEqual([
    "sending.max_batch must be between 1 and 1000",
    "sending.max_attempts must be between 1 and 20",
    "sending.circuit_failures must be between 0 and 1000",
    "sending.request_id_window must be between 1h and 31d",
    "submissions.max_waiting must be between 1 and 100000000",
    "submissions.retention must be between 1d and 366d",
  ]);
});

test("a rate limit of an unknown channel is a mistake", async () => {
  const file = "sending: {rate_limit: {smss: 5}}\n";
  const { problems } = await readConfig(sources(VALID, {}, { "config.yaml": file }));
  expect(problems.map(({ setting, message }) => `${setting} ${message}`)).toEqual([
    "sending.rate_limit.smss unknown setting; did you mean sending.rate_limit.sms?",
  ]);
});
