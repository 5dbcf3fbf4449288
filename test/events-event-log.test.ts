import { timestampMs } from "@bufbuild/protobuf/wkt";
import { beforeEach, expect, test } from "vitest";
import { sampleEvents } from "./event-log-samples.ts";
import { HistoryRig } from "./fixtures/history-rig.ts";

let rig: HistoryRig;
beforeEach(() => {
  rig = new HistoryRig();
});

test("tells identity, bounds, content and limits of the log", async () => {
  await rig.log.append(sampleEvents(1, 5));
  rig.log.removeThrough(2);
  const answer = await rig.eventLog();
  const { events, sizeBytes, retention } = await rig.log.stats();
  expect(answer).toMatchObject({
    logId: rig.log.id,
    earliestCursor: rig.cursor(2),
    headCursor: rig.cursor(5),
    eventCount: BigInt(events),
    sizeBytes: BigInt(sizeBytes),
    retentionAge: { seconds: BigInt(retention.ageMs / 1000) },
    retentionBytes: BigInt(retention.bytes),
    writable: true,
    unwritableReason: "",
  });
  expect(answer.earliestTime && timestampMs(answer.earliestTime)).toBe(rig.log.stored[2]?.recordTimeMs);
});

test("has no earliest time when it is empty", async () => {
  expect((await rig.eventLog()).earliestTime).toBeUndefined();
});

test("says why nothing can be stored", async () => {
  rig.log.currentHealth = { ok: false, reason: "the disk is full" };
  expect(await rig.eventLog()).toMatchObject({ writable: false, unwritableReason: "the disk is full" });
});
