import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { EventCounter } from "./watch-frames.ts";

const STREAMS_PER_CONNECTION = 50;

/** WatchEvents streams in a process of their own. */
export interface Watchers extends AsyncDisposable {
  /** Resolves once every stream has counted `events` events since it was opened. */
  seen(events: number): Promise<void>;
}

/** Opens streams from the latest event and waits until all of them have begun. */
export async function openWatchers(address: string, streams: number): Promise<Watchers> {
  const child = fork(new URL(import.meta.url), [address, String(streams)], { execArgv: [] });
  await once(child, "message");
  return {
    async seen(events) {
      child.send(events);
      await once(child, "message");
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  child.disconnect();
  if (child.exitCode === null) await once(child, "exit");
}

const REQUEST = toBinary(
  WatchEventsRequestSchema,
  create(WatchEventsRequestSchema, { progressInterval: durationFromMs(60_000) }),
);

function openStream(session: ClientHttp2Session, onFrame: () => void): EventCounter {
  const stream = session.request({
    ":method": "POST",
    ":path": "/infobip.events.v1.EventsService/WatchEvents",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(REQUEST.length, 1);
  stream.end(Buffer.concat([head, REQUEST]));
  const counter = new EventCounter();
  stream.on("data", (piece: Buffer) => {
    counter.push(piece);
    onFrame();
  });
  stream.on("error", (error) => {
    throw error;
  });
  return counter;
}

function serve(address: string, streams: number): void {
  const counters: EventCounter[] = [];
  let expected = Number.POSITIVE_INFINITY;
  let announced = false;
  const check = (): void => {
    if (!announced && counters.length === streams && counters.every((counter) => counter.frames > 0)) {
      announced = true;
      process.send?.("open");
    }
    if (!counters.every((counter) => counter.events >= expected)) return;
    if (counters.some((counter) => counter.events > expected)) throw new Error("an event came twice");
    expected = Number.POSITIVE_INFINITY;
    process.send?.("seen");
  };
  for (let i = 0; i < streams; i += STREAMS_PER_CONNECTION) {
    const session = connect(`http://${address}`, { settings: { initialWindowSize: 1 << 20 } });
    session.on("connect", () => session.setLocalWindowSize(1 << 24));
    const here = Math.min(STREAMS_PER_CONNECTION, streams - i);
    for (let n = 0; n < here; n++) counters.push(openStream(session, check));
  }
  process.on("message", (events: number) => {
    expected = events;
    check();
  });
  process.on("disconnect", () => process.exit(0));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  serve(process.argv[2] ?? "", Number(process.argv[3]));
}
