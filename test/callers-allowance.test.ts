import { beforeEach, describe, expect, test } from "vitest";
import { SendAllowance } from "../src/callers/send-allowance.ts";
import { ServiceError } from "../src/errors.ts";
import type { Caller } from "../src/rpc/caller.ts";

const caller = (messagesPerSecond?: number, name = "shop"): Caller => ({
  name,
  scopes: new Set(["send"]),
  ...(messagesPerSecond === undefined ? {} : { messagesPerSecond }),
});

describe("messages per second", () => {
  let now = 0;
  let allowance: SendAllowance;
  beforeEach(() => {
    now = 0;
    allowance = new SendAllowance(() => now);
  });

  const delayOf = (messages: number, who = caller(10)): number | undefined => {
    try {
      allowance.spend(who, messages);
      return undefined;
    } catch (error) {
      expect(error).toBeInstanceOf(ServiceError);
      return (error as ServiceError).retryDelayMs;
    }
  };

  test("a second's worth may come at once, and no more", () => {
    expect(delayOf(4)).toBeUndefined();
    expect(delayOf(6)).toBeUndefined();
    expect(delayOf(1)).toBe(100);
    now = 99;
    expect(delayOf(1)).toBe(1);
    now = 100;
    expect(delayOf(1)).toBeUndefined();
  });

  test("an hour of silence gives a second's worth", () => {
    now = 3_600_000;
    expect(delayOf(10)).toBeUndefined();
    expect(delayOf(1)).toBe(100);
  });

  test("a request larger than that goes, and is paid for afterwards", () => {
    expect(delayOf(35)).toBeUndefined();
    expect(delayOf(1)).toBe(2_600);
    now = 2_600;
    expect(delayOf(1)).toBeUndefined();
    expect(delayOf(35)).toBe(1_000);
    now = 3_600;
    expect(delayOf(35)).toBeUndefined();
  });

  test("callers do not share, and what is refused takes nothing", () => {
    expect(delayOf(10)).toBeUndefined();
    expect(delayOf(10, caller(10, "other"))).toBeUndefined();
    for (let tries = 0; tries < 100; tries++) expect(delayOf(1)).toBe(100);
    now = 100;
    expect(delayOf(1)).toBeUndefined();
  });

  test("another rate counts at once and gives no second helping", () => {
    expect(delayOf(10)).toBeUndefined();
    expect(delayOf(1, caller(100))).toBe(10);
    now = 10;
    expect(delayOf(1, caller(100))).toBeUndefined();
    allowance.retain(["shop"]);
    expect(delayOf(1, caller(100))).toBe(10);
  });

  test("a caller without a rate is not counted", () => {
    for (let calls = 0; calls < 1_000; calls++) expect(delayOf(10_000, caller())).toBeUndefined();
  });
});
