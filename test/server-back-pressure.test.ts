import { once } from "node:events";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  WatchEventsRequestSchema,
  WatchEventsResponseSchema,
} from "../gen/infobip/events/v1/events_service_pb.js";
import { Rig } from "./server-rig.ts";

const FRAME = toBinary(
  WatchEventsResponseSchema,
  create(WatchEventsResponseSchema, { frame: { case: "started", value: { logId: "x".repeat(10_000) } } }),
);
/** What the client's HTTP/2 window and the sockets' buffers hold, and then some. */
const PLENTY = 16 * 1024 * 1024;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

it.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])("the %s listener pulls no further ahead of a client that does not read", async (_name, address) => {
  let pulled = 0;
  let lastPull = Promise.withResolvers<void>();
  rig.behaviour.watch = async function* () {
    while (pulled < PLENTY) {
      pulled += FRAME.byteLength;
      lastPull.resolve();
      lastPull = Promise.withResolvers<void>();
      yield FRAME;
    }
  };
  const session = connect(`http://${address()}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/infobip.events.v1.EventsService/WatchEvents",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const message = toBinary(WatchEventsRequestSchema, create(WatchEventsRequestSchema, {}));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  stream.end(Buffer.concat([head, message]));
  await once(stream, "response");
  // A call on the same connection is answered only after what the first could write was written.
  await settled(() => pulled);
  expect(pulled).toBeLessThan(PLENTY / 4);
  const stopped = pulled;
  stream.resume();
  await once(stream, "close");
  expect(pulled).toBeGreaterThan(stopped);
  expect(pulled).toBeGreaterThanOrEqual(PLENTY);
  session.close();
});

/** Resolves once a value has stayed the same over many turns of the event loop, in which every socket was served. */
async function settled(read: () => number): Promise<void> {
  for (let before = -1, quiet = 0; quiet < 200; quiet = read() === before ? quiet + 1 : 0) {
    before = read();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
