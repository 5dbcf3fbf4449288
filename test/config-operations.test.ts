import { expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { sources, VALID } from "./config-sources.ts";

test("messages are logged, nothing delays the drain, and memory is bounded by the control group, by default", async () => {
  const { log, drainDelayMs, terminationMessageFile, limits } = await loadConfig(sources(VALID));
  expect(log).toEqual({ level: "info", format: "auto", messages: true, phoneKey: undefined });
  expect({ drainDelayMs, terminationMessageFile }).toEqual({
    drainDelayMs: 0,
    terminationMessageFile: undefined,
  });
  expect(limits.memoryBytes).toBeUndefined();
});

test("all of it can be set, the key of the hash by a file", async () => {
  const environment = {
    ...VALID,
    INFOBIP_RPC_LOG_MESSAGES: "false",
    INFOBIP_RPC_LOG_PHONE_KEY_FILE: "key",
    INFOBIP_RPC_DRAIN_DELAY: "5s",
    INFOBIP_RPC_TERMINATION_MESSAGE_FILE: "/dev/termination-log",
    INFOBIP_RPC_LIMITS_MEMORY: "512MiB",
  };
  const config = await loadConfig(sources(environment, {}, { key: "hash-key\n" }));
  expect(config.log.messages).toBe(false);
  expect(config.log.phoneKey?.reveal()).toBe("hash-key");
  expect(config.drainDelayMs).toBe(5_000);
  expect(config.terminationMessageFile).toBe("/dev/termination-log");
  expect(config.limits.memoryBytes).toBe(512 * 1024 ** 2);
});

test("a memory of 0 is none, and what is no size is told", async () => {
  const off = await loadConfig(sources({ ...VALID, INFOBIP_RPC_LIMITS_MEMORY: "0" }));
  expect(off.limits.memoryBytes).toBe(0);
  const { config, problems } = await readConfig(sources({ ...VALID, INFOBIP_RPC_LIMITS_MEMORY: "much" }));
  expect(config).toBeUndefined();
  expect(problems).toEqual([
    expect.objectContaining({ setting: "limits.memory", message: expect.stringContaining("512MiB") }),
  ]);
});
