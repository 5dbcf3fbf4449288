import fc from "fast-check";
import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { TransferSource } from "../src/eventlog/embedded/transfer-source.ts";
import type { EventLog, NewEvent } from "../src/eventlog/event-log.ts";
import { writeTransfer } from "../src/eventlog/transfer/write-transfer.ts";
import { READ_ALL, sampleEvent } from "./event-log-samples.ts";
import { startLogProcess } from "./fixtures/jetstream-rig.ts";
import { startLogRig } from "./log-file-rig.ts";
import { importFile, inPieces } from "./log-import-rig.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

/** News of few messages, so that many are superseded, and some without a message id. */
const news: fc.Arbitrary<NewEvent> = fc
  .record({
    n: fc.integer({ min: 0, max: 1_000_000 }),
    messageId: fc.constantFrom("", "a", "b", "c", "č ™ 𝄞"),
    rank: fc.integer({ min: 0, max: 6 }),
    channel: fc.constantFrom(Channel.SMS, Channel.VIBER_BM),
    type: fc.constantFrom(EventType.DELIVERY_REPORT, EventType.SEEN_REPORT),
    occurTimeMs: fc.integer({ min: 0, max: 5 }),
    final: fc.boolean(),
    sender: fc.string({ unit: "grapheme" }),
    raw: fc.string(),
  })
  .map(({ n, raw, ...columns }) => sampleEvent(n, columns, raw));

async function contents(log: EventLog) {
  const bounds = log.bounds();
  const { records } = await log.read(bounds.earliest, { ...READ_ALL, includeRaw: true });
  const plain = records.map((record) => ({
    ...record,
    encoded: Buffer.from(record.encoded).toString("hex"),
  }));
  const statuses = await Promise.all(["a", "b", "c", "č ™ 𝄞"].map((id) => log.statusOf(id)));
  return { id: log.id, bounds, records: plain, statuses: statuses.map((status) => status?.sequence) };
}

describeNats("any log that is exported and imported", () => {
  test("reads the same afterwards, whatever was removed from it", { timeout: 60_000 }, async () => {
    await using server = await startNatsServer();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(news, { maxLength: 8 }), { maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 5_000 }),
        async (batches, removedShare, pieceBytes) => {
          await using rig = await startLogRig();
          for (const batch of batches) await rig.log.append(batch);
          await rig.log.removeThrough(Math.floor(rig.log.bounds().head * removedShare));
          const before = await contents(rig.log);
          await rig.close();
          using source = TransferSource.open(rig.directory, 0);
          const pieces = [...writeTransfer(source.header, source.items())];
          const file = Buffer.concat(pieces.map(({ bytes }) => Buffer.from(bytes)));
          const prefix = uniquePrefix();
          await using target = await startLogProcess(server.url, prefix);
          await importFile(target, prefix, inPieces(file, pieceBytes));
          expect(await contents(await target.open())).toEqual(before);
          await target.ask("STREAM.DELETE");
        },
      ),
      { numRuns: 25 },
    );
  });
});
