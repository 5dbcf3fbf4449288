import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { TransferSource } from "../src/eventlog/embedded/transfer-source.ts";
import type { EventLog } from "../src/eventlog/event-log.ts";
import { writeTransfer } from "../src/eventlog/transfer/write-transfer.ts";
import { READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { headAt, type LogProcess, startLogProcess } from "./fixtures/jetstream-rig.ts";
import { MemoryImportStores } from "./fixtures/memory-import-stores.ts";
import { type LogRig, report, startLogRig } from "./log-file-rig.ts";
import { importFile, inPieces } from "./log-import-rig.ts";
import { fillLog } from "./log-transfer-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

let server: NatsServer;
let rig: LogRig;
let prefix: string;
let target: LogProcess;

async function exported(): Promise<Buffer> {
  await rig.close();
  using source = TransferSource.open(rig.directory, 0);
  return Buffer.concat(
    [...writeTransfer(source.header, source.items())].map(({ bytes }) => Buffer.from(bytes)),
  );
}

/** Everything in a log, as readers get it. */
async function contents(log: EventLog) {
  const { records, examinedTo } = await log.read(log.bounds().earliest, { ...READ_ALL, includeRaw: true });
  const plain = records.map((record) => ({
    ...record,
    encoded: Buffer.from(record.encoded).toString("latin1"),
  }));
  return { id: log.id, bounds: log.bounds(), records: plain, examinedTo };
}

describeNats("importing events into JetStream", () => {
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    rig = await startLogRig();
    prefix = uniquePrefix();
    target = await startLogProcess(server.url, prefix);
  });
  afterEach(async () => {
    await target[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
  });

  test("readers get the very same bytes: sequences, cursors, times, marks and raw bodies", async () => {
    await rig.receive(report(1), report(2));
    await fillLog(rig);
    const before = await contents(rig.log);
    expect(before.records.some(({ superseded }) => superseded)).toBe(true);
    expect(before.bounds.earliest).toBe(2);
    const result = await importFile(target, prefix, inPieces(await exported(), 100));
    expect(result).toMatchObject({ isWhole: true, importedEvents: before.records.length, presentEvents: 0 });
    const log = await target.open();
    expect(await contents(log)).toEqual(before);
    expect(log.id).toBe(rig.log.id);
    for (const { columns } of before.records)
      expect((await log.statusOf(columns.messageId))?.sequence).toBe(
        before.records.findLast((r) => r.columns.messageId === columns.messageId && !r.superseded)?.sequence,
      );
  });

  test("what comes after goes on behind it, and a repeat of what was imported stays out", async () => {
    await rig.log.append(sampleEvents(1, 5));
    await importFile(target, prefix, inPieces(await exported()));
    const log = await target.open();
    await log.append([sampleEvent(3), sampleEvent(6)]);
    await headAt(log, 6);
    const { records } = await log.read(0, READ_ALL);
    expect(records.map(({ columns }) => columns.messageId)).toEqual([1, 2, 3, 4, 5, 6].map((n) => `m-${n}`));
  });

  test.each([0, 40])("a log whose last events were removed, %i kept, goes on from its head", async (kept) => {
    await rig.log.append(sampleEvents(1, 100));
    await rig.log.removeThrough(100 - kept);
    const { bounds, id } = { bounds: rig.log.bounds(), id: rig.log.id };
    await importFile(target, prefix, inPieces(await exported()));
    await server.restart("SIGKILL");
    await expect.poll(() => target.link.isConnected).toBe(true);
    const log = await target.open();
    expect({ bounds: log.bounds(), id: log.id }).toEqual({ bounds, id });
    expect(encodeCursor(log.id, log.bounds().head)).toBe(encodeCursor(id, 100));
    await log.append([sampleEvent(101)]);
    await headAt(log, 101);
    expect((await log.read(bounds.earliest, READ_ALL)).records.at(-1)?.sequence).toBe(101);
  });

  test("the second import of a file does nothing, also once services have written", async () => {
    await rig.log.append(sampleEvents(1, 5));
    const file = await exported();
    await importFile(target, prefix, inPieces(file));
    expect(await importFile(target, prefix, inPieces(file))).toBe("already");
    await (await target.open()).append([sampleEvent(6)]);
    expect(await importFile(target, prefix, inPieces(file))).toBe("already");
  });

  describe("an import that was interrupted", () => {
    /** Ends in the middle, as a pipe that breaks. */
    async function* broken(file: Buffer, share: number): AsyncGenerator<Uint8Array> {
      yield* inPieces(file.subarray(0, file.length * share), 1_000);
    }

    async function fillMany(): Promise<{ file: Buffer; before: Awaited<ReturnType<typeof contents>> }> {
      for (let from = 1; from <= 3_000; from += 500) await rig.log.append(sampleEvents(from, from + 499));
      const before = await contents(rig.log);
      return { file: await exported(), before };
    }

    test("is no log for a service, and goes on where it has stopped", async () => {
      const { file, before } = await fillMany();
      await expect(importFile(target, prefix, broken(file, 0.5))).rejects.toMatchObject({
        reason: "CUT_OFF",
      });
      await expect(target.open()).rejects.toMatchObject({ reason: "EVENT_STREAM_IMPORTING" });
      const result = await importFile(target, prefix, inPieces(file));
      if (result === "already") throw new Error("half an import was taken for a whole one");
      expect(result.presentEvents).toBeGreaterThan(500);
      expect(result.presentEvents + result.importedEvents).toBe(3_000);
      expect(await contents(await target.open())).toEqual(before);
    });

    test("by the server's end goes on too, with nothing lost or repeated", async () => {
      const { file, before } = await fillMany();
      let isKilled = false;
      const kill = (events: number): void => {
        if (events < 1_000 || isKilled) return;
        isKilled = true;
        process.kill(server.pid, "SIGKILL");
      };
      const failed = importFile(target, prefix, inPieces(file, 5_000), { onEvents: kill });
      await expect(failed).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      await server.stop();
      await server.start();
      await expect.poll(() => target.link.isConnected, { timeout: 10_000 }).toBe(true);
      await importFile(target, prefix, inPieces(file));
      expect(await contents(await target.open())).toEqual(before);
    });

    test("by a signal tells that it is not whole", async () => {
      const { file } = await fillMany();
      const stop = new AbortController();
      const result = await importFile(target, prefix, inPieces(file, 1_000), {
        signal: stop.signal,
        onEvents: () => stop.abort(),
      });
      expect(result).toMatchObject({ isWhole: false });
      await expect(target.open()).rejects.toMatchObject({ reason: "EVENT_STREAM_IMPORTING" });
    });

    test("puts again what is no event, and clears what was put before", async () => {
      await fillLog(rig);
      const file = await exported();
      const stores = new MemoryImportStores();
      const cut = importFile(target, prefix, broken(file, 0.99), { stores });
      await expect(cut).rejects.toMatchObject({ reason: "CUT_OFF" });
      expect(stores.put).not.toEqual([]);
      await importFile(target, prefix, inPieces(file), { stores });
      expect(stores.clears).toBe(2);
      expect(stores.put).toEqual([
        ...["subscription audit", "subscription orders", "dead letter 1", "dead letter 4"],
        ...["submission 1", "submission 2", "answer request-1", "answer request-2", "last number 3"],
      ]);
    });
  });

  describe("is refused", () => {
    test("when the target holds another log, or other streams hold something", async () => {
      await rig.log.append(sampleEvents(1, 5));
      const file = await exported();
      const log = await target.open();
      await expect(importFile(target, prefix, inPieces(file))).rejects.toMatchObject({
        reason: "TARGET_NOT_EMPTY",
        message: expect.stringContaining(`nats stream rm ${prefix}_EVENTS`),
      });
      expect(log.health()).toEqual({ ok: true });
      const stores = new MemoryImportStores();
      stores.used = ["X_OUTBOX"];
      const other = importFile(target, uniquePrefix(), inPieces(file), { stores });
      await expect(other).rejects.toMatchObject({ message: expect.stringContaining("X_OUTBOX") });
      expect(stores.clears).toBe(0);
    });

    test("when the log has gone on since it was imported", async () => {
      await rig.log.append(sampleEvents(1, 5));
      await importFile(target, prefix, inPieces(await exported()));
      await using continued = await openEmbeddedLog({ directory: rig.directory });
      await continued.append([sampleEvent(6)]);
      await continued[Symbol.asyncDispose]();
      await expect(importFile(target, prefix, inPieces(await exported()))).rejects.toMatchObject({
        reason: "TARGET_NOT_EMPTY",
        message: expect.stringContaining("up to 5, and the file goes to 6"),
      });
    });

    test("when somebody writes the target meanwhile, also in the end and while sequences are used up", async () => {
      await rig.log.append(sampleEvents(1, 2_000));
      await rig.log.removeThrough(10);
      const file = await exported();
      for (const when of ["onUsedUp", "onEvents", "clear"] as const) {
        const other = uniquePrefix();
        let writes = 0;
        const write = (): void => {
          if (writes++ === 0) target.link.connection.publish(`${other.toLowerCase()}.events.event`, "mine");
        };
        const stores = new MemoryImportStores();
        if (when === "clear") stores.putLastSubmissionNumber = async () => write();
        const hooks = when === "clear" ? {} : { [when]: write };
        const failed = importFile(target, other, inPieces(file, 1_000), { stores, ...hooks });
        await expect(failed).rejects.toMatchObject({ reason: "TARGET_WRITTEN" });
        expect(writes).toBeGreaterThan(0);
        const again = importFile(target, other, inPieces(file));
        await expect(again).rejects.toMatchObject({ reason: "TARGET_WRITTEN" });
      }
    });

    test("at an event that the server takes no message for, and goes on once it does", async () => {
      await rig.log.append([sampleEvent(1), sampleEvent(2, {}, "r".repeat(5_000)), sampleEvent(3)]);
      const file = await exported();
      await expect(importFile(target, prefix, inPieces(file), { maxPayload: 4_096 })).rejects.toMatchObject({
        reason: "EVENT_TOO_LARGE",
        message: expect.stringMatching(/event 2 .*max_payload/),
      });
      expect(await importFile(target, prefix, inPieces(file))).toMatchObject({
        presentEvents: 1,
        importedEvents: 2,
      });
    });
  });
});
