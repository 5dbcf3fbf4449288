import { once } from "node:events";
import { connect } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { openRawStream } from "./fixtures/raw-stream.ts";
import { Rig, startedFrame } from "./server-rig.ts";

/** Time after which a connection without a call is closed, in milliseconds. */
const IDLE_MS = 50;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({
    grpcLimits: { maxConnectionIdleMs: IDLE_MS },
    httpLimits: { idleTimeoutMs: IDLE_MS },
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Resolves when the listener has closed a connection that had no call. */
async function idleConnectionIsClosed(address: string): Promise<void> {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  await once(session, "close");
}

it.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])(
  "the %s listener lets a stream live on which nothing happens, for as long as idle connections last and longer",
  async (_name, address) => {
    const news = Promise.withResolvers<void>();
    rig.behaviour.watch = async function* () {
      yield startedFrame("first");
      await news.promise;
      yield startedFrame("second");
    };
    using watch = await openRawStream(
      address(),
      "WatchEvents",
      WatchEventsRequestSchema,
      create(WatchEventsRequestSchema, {}),
    );
    const read: Buffer[] = [];
    watch.stream.on("data", (piece: Buffer) => read.push(piece));
    for (let times = 0; times < 3; times++) await idleConnectionIsClosed(address());
    news.resolve();
    await once(watch.stream, "end");
    expect(Buffer.concat(read).toString("latin1")).toMatch(/first.*second/s);
  },
);
