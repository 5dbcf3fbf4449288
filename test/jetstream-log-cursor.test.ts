import { expect, it } from "vitest";
import { encodeCursor, findCursor } from "../src/eventlog/cursor.ts";
import { sampleEvents } from "./event-log-samples.ts";
import { startLogProcess } from "./fixtures/jetstream-rig.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("a cursor that a copy of the event log is behind", () => {
  it("is good as soon as another process has stored its event", async () => {
    await using server = await startNatsServer();
    const prefix = uniquePrefix();
    await using here = await startLogProcess(server.url, prefix);
    await using there = await startLogProcess(server.url, prefix);
    const log = await here.open();
    const writer = await there.open();
    await writer.append(sampleEvents(1, 10));
    expect(await findCursor(encodeCursor(log.id, 10), log)).toBe(10);
  });

  it("is refused for good only when the log itself ends before it", async () => {
    await using server = await startNatsServer();
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open();
    await log.append(sampleEvents(1, 10));
    const ahead = findCursor(encodeCursor(log.id, 11), log);
    await expect(ahead).rejects.toMatchObject({ reason: "CURSOR_AHEAD" });
  });

  it("can be tried again while NATS cannot tell how long the log is", { timeout: 30_000 }, async () => {
    await using server = await startNatsServer();
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open();
    await log.append(sampleEvents(1, 10));
    await server.stop("SIGKILL");
    await expect.poll(() => log.health().ok).toBe(false);
    const cursor = encodeCursor(log.id, 11);
    await expect(findCursor(cursor, log)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await server.start();
    await expect.poll(() => log.health().ok, { timeout: 20_000 }).toBe(true);
    await expect(findCursor(cursor, log)).rejects.toMatchObject({ reason: "CURSOR_AHEAD" });
  });
});
