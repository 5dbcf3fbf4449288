import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { aborted, echo, Rig, validRequest } from "./server-rig.ts";

/** More than nghttp2 itself allows at once. */
const CANCELLED_CALLS = 2_500;
const AT_ONCE = 100;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

function call(session: ClientHttp2Session, sender: string) {
  const message = toBinary(SendMessagesRequestSchema, validRequest(sender));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const stream = session.request({
    ":method": "POST",
    ":path": "/infobip.messages.v1.MessagesService/SendMessages",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => undefined);
  return stream.end(Buffer.concat([prefix, message]));
}

it.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])("on the %s listener a client that cancels many calls keeps its other calls", async (_name, address) => {
  const answer = Promise.withResolvers<void>();
  let begun = 0;
  rig.behaviour.send = async (request, { signal }) => {
    const kind = request.messages[0]?.kind;
    if (kind?.case === "message" && kind.value.sender === "kept") {
      await answer.promise;
      return echo(request);
    }
    begun++;
    throw await aborted(signal);
  };
  const session = connect(`http://${address()}`);
  session.on("error", () => undefined);
  const kept = call(session, "kept");
  const trailers = once(kept.resume(), "trailers");
  for (let cancelled = 0; cancelled < CANCELLED_CALLS; cancelled += AT_ONCE) {
    const streams = Array.from({ length: AT_ONCE }, () => call(session, "cancelled"));
    await expect.poll(() => begun).toBe(cancelled + AT_ONCE);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
  }
  await expect.poll(() => rig.reports.length).toBe(CANCELLED_CALLS);
  answer.resolve();
  const [headers] = await trailers;
  expect(headers).toMatchObject({ "grpc-status": "0" });
  session.destroy();
});
