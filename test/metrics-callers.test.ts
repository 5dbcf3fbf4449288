import { expect, test } from "vitest";
import { CallerMetrics, MAX_CALLERS } from "../src/telemetry/caller-metrics.ts";
import { startCallersRig } from "./callers-rig.ts";
import { scrape } from "./fixtures/metrics-page.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { validRequest } from "./server-rig.ts";

const MESSAGES = "infobip_rpc_caller_messages_total";
const REFUSALS = "infobip_rpc_caller_refusals_total";

test("messages count by caller and outcome, and refusals by caller and reason", async () => {
  await using rig = await startCallersRig(
    [
      { name: "shop", scopes: ["send"] },
      { name: "desk", scopes: ["events"] },
    ],
    { publicUrl: false },
  );
  await rig.as("shop").messages.sendMessages(validRequest("Shop"));
  await rig.as("shop", "http").messages.sendMessages(validRequest("Shop"));
  await expect(rig.as("desk").messages.sendMessages(validRequest("Shop"))).rejects.toThrow();
  await expect(rig.as(undefined).messages.sendMessages(validRequest("Shop"))).rejects.toThrow();
  await expect(rig.as("nobody").messages.sendMessages(validRequest("Shop"))).rejects.toThrow();
  const page = await scrape(rig.addresses.admin);
  expect(page.samples(MESSAGES)).toEqual([{ caller: "shop", outcome: "SENT" }]);
  expect(page.value(MESSAGES)).toBe(2);
  expect(page.samples(REFUSALS)).toEqual([
    { caller: "desk", reason: "SCOPE_MISSING" },
    { caller: "_UNKNOWN", reason: "CREDENTIALS_MISSING" },
    { caller: "_UNKNOWN", reason: "CREDENTIALS_UNKNOWN" },
  ]);
  expect(page.value(REFUSALS, { caller: "desk" })).toBe(1);
});

test("where everyone may call nothing is told of callers", async () => {
  await using rig = await startServiceRig({ publicUrl: false });
  await rig.messages.sendMessages(validRequest("Shop"));
  const page = await scrape(rig.addresses.admin);
  expect(page.samples(MESSAGES)).toEqual([]);
  expect(page.samples(REFUSALS)).toEqual([]);
});

test("callers beyond the bound count together", () => {
  const seen = new Map<string, number>();
  const metrics = new CallerMetrics();
  for (let caller = 0; caller < MAX_CALLERS + 50; caller++) {
    metrics.messagesEnded({ caller: `caller-${caller}`, outcome: "SENT", count: 1 });
  }
  const meter = {
    createObservableCounter: (name: string) => ({
      addCallback: (read: (result: { observe(value: number, labels: { caller: string }): void }) => void) => {
        if (name === MESSAGES) read({ observe: (value, labels) => seen.set(labels.caller, value) });
      },
    }),
  };
  metrics.register(meter as never);
  expect(seen.size).toBe(MAX_CALLERS + 1);
  expect(seen.get("_OTHER")).toBe(50);
});
