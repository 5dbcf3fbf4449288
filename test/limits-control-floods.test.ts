import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FRAME, frame, RawHttp2 } from "./fixtures/raw-http2.ts";
import { callOver, openSession } from "./fixtures/tls-rig.ts";
import { Rig } from "./server-rig.ts";

const MIB = 1024 * 1024;
/** Bytes that are sent at most before a test gives up: some 900,000 PINGs. */
const MAX_SENT = 16 * MIB;
/** What a flood may leave in memory, answers that nobody reads among it. */
const MAX_GROWTH = 64 * MIB;
const FRAMES_AT_ONCE = 2_000;
/** Calls of another client while the flood goes on. */
const OTHER_CALLS = 20;

const PINGS = Buffer.concat(
  Array.from({ length: FRAMES_AT_ONCE }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
);
/** Each sets SETTINGS_INITIAL_WINDOW_SIZE anew. */
const SETTING = Buffer.of(0, 4, 0, 0, 0xff, 0xff);
const SETTINGS = Buffer.concat(
  Array.from({ length: FRAMES_AT_ONCE }, () => frame(FRAME.settings, 0, 0, SETTING)),
);

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Writes the frames again and again until the connection is gone, or the test gives up. */
async function pour(raw: RawHttp2, frames: Buffer, until: () => boolean): Promise<number> {
  let isOpen = true;
  void raw.closed.then(() => {
    isOpen = false;
  });
  let sent = 0;
  for (; isOpen && sent < MAX_SENT && !until(); sent += frames.length) await raw.write(frames);
  return sent;
}

describe.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])("the %s listener", (_name, address) => {
  test.each([
    ["PING", PINGS],
    ["SETTINGS", SETTINGS],
  ])(
    "holds few answers for a client that sends %s and reads nothing, and then ends it",
    async (_frame, frames) => {
      using raw = await RawHttp2.open(address());
      raw.socket.pause();
      const before = process.memoryUsage().rss;
      await pour(raw, frames, () => false);
      // A socket that is not read learns of its end when it is.
      raw.socket.resume();
      await raw.closed;
      expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH);
      expect(await callOver(openSession(address()))).toBe("0");
    },
  );

  test("serves others while a client that does read sends PINGs without end", async () => {
    using raw = await RawHttp2.open(address());
    let isOver = false;
    const poured = pour(raw, PINGS, () => isOver);
    const honest = openSession(address());
    for (let count = 0; count < OTHER_CALLS; count++) expect(await callOver(honest)).toBe("0");
    isOver = true;
    expect(await poured).toBeGreaterThan(0);
  });
});
