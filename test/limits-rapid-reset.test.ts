import { constants } from "node:http2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { streamResetLimits } from "../src/server/stream-resets.ts";
import { CALL_FIELDS, ENHANCE_YOUR_CALM, FLAG, FRAME, frame, RawHttp2 } from "./fixtures/raw-http2.ts";
import { callOver, GRPC_HEADERS, grpcRequest, openSession } from "./fixtures/tls-rig.ts";
import { aborted, echo, Rig } from "./server-rig.ts";

const STREAMS = 100;
const LIMITS = streamResetLimits(STREAMS);
const CANCEL = Buffer.of(0, 0, 0, constants.NGHTTP2_CANCEL);
/** Calls that are opened and reset in one write. */
const BATCH = 50;

let rig: Rig;
beforeEach(async () => {
  const limits = { maxConcurrentStreams: STREAMS };
  rig = await Rig.start({ grpcLimits: limits, httpLimits: limits });
});
afterEach(() => rig[Symbol.asyncDispose]());

function openedAndReset(stream: number): Buffer {
  return Buffer.concat([
    frame(FRAME.headers, FLAG.endHeaders, stream, CALL_FIELDS),
    frame(FRAME.data, FLAG.endStream, stream, grpcRequest("flood")),
    frame(FRAME.reset, 0, stream, CANCEL),
  ]);
}

/** Opens and resets calls until the connection is gone. */
async function flood(raw: RawHttp2): Promise<void> {
  let isOpen = true;
  void raw.closed.then(() => {
    isOpen = false;
  });
  for (let stream = 1; isOpen; stream += 2 * BATCH) {
    const calls = Array.from({ length: BATCH }, (_, index) => openedAndReset(stream + 2 * index));
    await raw.write(Buffer.concat(calls));
  }
}

describe.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])("the %s listener", (_name, address) => {
  test("ends a connection that opens and resets calls without end, and serves others meanwhile", async () => {
    const begunAt = performance.now();
    using raw = await RawHttp2.open(address());
    const flooded = flood(raw);
    let isOver = false;
    void flooded.then(() => {
      isOver = true;
    });
    const honest = openSession(address());
    let served = 0;
    do {
      expect(await callOver(honest)).toBe("0");
      served++;
    } while (!isOver);
    await flooded;
    expect(raw.goaways).toEqual([ENHANCE_YOUR_CALM]);
    expect(await callOver(honest)).toBe("0");
    // What got in before the end: the allowance, and what one read of the connection holds beside it.
    const seconds = (performance.now() - begunAt) / 1_000;
    expect(rig.reports.length - served).toBeGreaterThan(LIMITS.atOnce / 2);
    expect(rig.reports.length - served).toBeLessThan(2 * (LIMITS.atOnce + seconds * LIMITS.perSecond));
    expect(rig.internalErrors).toEqual([]);
  });

  test("leaves a busy client alone whose deadlines pass again and again", async () => {
    const honest = openSession(address());
    let begun = 0;
    rig.behaviour.send = async (request, { signal }) => {
      const kind = request.messages[0]?.kind;
      if (kind?.case === "message" && kind.value.sender === "answered") return echo(request);
      begun++;
      throw await aborted(signal);
    };
    expect(await callOver(honest, "answered")).toBe("0");
    // Half of them, as the end of a call takes a moment here too.
    const atOnce = STREAMS / 2;
    for (let cancelled = atOnce; cancelled < LIMITS.atOnce; cancelled += atOnce) {
      const streams = Array.from({ length: atOnce }, () => honest.request(GRPC_HEADERS));
      for (const stream of streams) stream.on("error", () => undefined).end(grpcRequest("late"));
      await expect.poll(() => begun).toBe(cancelled);
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
      await expect.poll(() => rig.reports.length).toBe(1 + cancelled);
    }
    expect(await callOver(honest, "answered")).toBe("0");
    expect(honest.closed).toBe(false);
  });
});
