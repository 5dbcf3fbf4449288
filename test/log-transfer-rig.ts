import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { TransferReader } from "../src/eventlog/transfer/read-transfer.ts";
import type { TransferHeader } from "../src/eventlog/transfer/transfer-format.ts";
import type { TransferItem } from "../src/eventlog/transfer/transfer-items.ts";
import { type LogRig, PENDING, report } from "./log-file-rig.ts";
import { commitTo, sampleRecord } from "./submission-samples.ts";

/** Events that {@link fillLog} leaves in a log, in sequences 3 to 8. */
export const FILLED_EVENTS = 6;

/**
 * Puts one of everything into a log: events of which one is superseded and the
 * first two are removed, a subscription with a dead letter whose event is gone
 * and one that is redriven, submissions of which the last was removed, answers.
 */
export async function fillLog({ log, receive, subscribe }: LogRig): Promise<void> {
  await receive(report(1), report(2));
  await receive(report(3), report(4), report(5));
  await receive(report(3, PENDING), report(6), report(7));
  await subscribe("audit", 8);
  await subscribe("orders", 5);
  const letter = { kind: "bury", id: "orders", attempts: 5, deadTimeMs: 1_800_000_000_000 } as const;
  await log.subscriptions.commit([
    { ...letter, sequence: 1, failure: "NACK" },
    { ...letter, sequence: 4, failure: "LEASE_EXPIRED" },
    { kind: "redrive", id: "orders", sequences: [4] },
  ]);
  await log.removeThrough(2);
  const done = { state: SubmissionState.ACCEPTED, outcome: Buffer.alloc(100_000, "o"), attempts: 1 };
  await commitTo(log.submissions, { records: [sampleRecord(1, done), sampleRecord(2), sampleRecord(3)] });
  await commitTo(log.submissions, { removed: [3] });
  await log.answers.save("request-1", { payloadHash: Buffer.alloc(32, 1), response: Buffer.from("first") });
  await log.answers.save("request-2", { payloadHash: Buffer.alloc(32, 2), response: Buffer.from("second") });
}

/** Reads a whole transfer file. */
export async function readTransfer(
  file: Buffer,
): Promise<{ readonly header: TransferHeader; readonly items: readonly TransferItem[] }> {
  const reader = await TransferReader.open([file].values() as unknown as AsyncIterator<Uint8Array>);
  const items: TransferItem[] = [];
  for await (const some of reader.items()) items.push(...some);
  return { header: reader.header, items };
}

/** The items of one kind. */
export function itemsOf<K extends TransferItem["kind"]>(
  items: readonly TransferItem[],
  kind: K,
): Extract<TransferItem, { kind: K }>[] {
  return items.filter((item) => item.kind === kind) as Extract<TransferItem, { kind: K }>[];
}
