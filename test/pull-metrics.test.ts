import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ServiceError } from "../src/errors.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import type { PullSource } from "../src/webhook/pull-events.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";

const REPORTS: PullSource = { route: "delivery" };
const SMS: PullSource = { route: "inbound", channel: "SMS" };
const RECEIPT = { items: 4, appended: 3, duplicates: 1, unparsed: 2 };

/** Lines of the page that tell of pull mode. */
function pullLines(page: string): string[] {
  return page.split("\n").filter((line) => line.startsWith("infobip_rpc_pull_"));
}

test("fetches and their items are counted by source, failures by reason", async () => {
  await using metrics = createMetrics({ now: () => 0 });
  const error = new ServiceError(Code.Unavailable, "UPSTREAM_FAILED", "a text");
  metrics.pull.stored(REPORTS, { receipt: RECEIPT, storeAttempts: 1 });
  metrics.pull.stored(REPORTS, { receipt: RECEIPT, storeAttempts: 1 });
  metrics.pull.fetchFailed(SMS, { error, failures: 1, delayMs: 1 });
  metrics.pull.held(SMS, { bytes: 1, storeAttempts: 1, delayMs: 1, error });
  metrics.pull.lost(SMS, { reason: "STOPPED_STORING", bytes: 1, error });
  const lines = pullLines(await metrics.page());
  expect(lines.filter((line) => !line.endsWith(" 0"))).toEqual([
    'infobip_rpc_pull_fetches_total{source="reports",result="OK"} 2',
    'infobip_rpc_pull_fetches_total{source="SMS",result="UPSTREAM_FAILED"} 1',
    'infobip_rpc_pull_items_total{source="reports",result="stored"} 6',
    'infobip_rpc_pull_items_total{source="reports",result="repeated"} 2',
    'infobip_rpc_pull_items_total{source="reports",result="unparsed"} 4',
    'infobip_rpc_pull_store_failures_total{source="SMS"} 1',
    'infobip_rpc_pull_lost_pages_total{source="SMS",reason="STOPPED_STORING"} 1',
  ]);
  expect(lines).toContain('infobip_rpc_pull_lost_pages_total{source="reports",reason="UNREADABLE"} 0');
});

test("a service that fetches tells it on its page", async () => {
  await using rig = await startServiceRig({ publicUrl: false, flags: { "--pull-reports": "true" } });
  await expect
    .poll(async () => pullLines(await (await fetch(`http://${rig.addresses.admin}/metrics`)).text()))
    .toContainEqual(
      expect.stringMatching(/^infobip_rpc_pull_fetches_total\{source="reports",result="OK"\} [1-9]/),
    );
});
