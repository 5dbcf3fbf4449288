/**
 * Compares the ways in which JetStream can refuse a repeated event: what each
 * costs the server in memory for a remembered event, and in CPU for a
 * published one. Prints a table; the figures stand in docs/scaling.md.
 *
 *   node bench/jetstream-dedupe.ts [--events 1000000]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { startLocalNatsServer } from "../src/cli/demo/local-nats-server.ts";
import { freePort } from "../src/cli/free-port.ts";
import { alignTable } from "../src/cli/table.ts";
import { cpuMicroseconds, residentMiB } from "./process-usage.ts";

const PAYLOAD = Buffer.alloc(600, 1);
const IN_FLIGHT = 300;
const WINDOW_NS = 48 * 3600 * 1e9;
const NO_WINDOW_NS = 1e8;
const EVENTS_PER_MESSAGE = 3;
/** Events that come late, to messages all over the stream. */
const LATE = 2_000;

/** One way: subject and headers of the event of a number. */
interface Way {
  readonly name: string;
  readonly windowNs: number;
  readonly message: (n: number) => { readonly subject: string; readonly headers?: MsgHdrs };
  /** What a repeat must be answered with. */
  readonly refuses: (answer: Answer) => boolean;
}

interface Answer {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number };
}

const id = (n: number): string => `${n}`.padStart(22, "x");
const isWrongLast = ({ error }: Answer): boolean => error?.err_code === 10071;

function header(name: string, value: string): MsgHdrs {
  const set = headers();
  set.set(name, value);
  return set;
}

const last = new Map<number, number>();
const WAYS: readonly Way[] = [
  { name: "none", windowNs: NO_WINDOW_NS, message: () => ({ subject: "none.e" }), refuses: () => true },
  {
    name: "message id",
    windowNs: WINDOW_NS,
    message: (n) => ({ subject: "id.e", headers: header("Nats-Msg-Id", id(n)) }),
    refuses: ({ duplicate }) => duplicate === true,
  },
  {
    name: "subject an event",
    windowNs: NO_WINDOW_NS,
    message: (n) => ({
      subject: `event.${id(n)}`,
      headers: header("Nats-Expected-Last-Subject-Sequence", "0"),
    }),
    refuses: isWrongLast,
  },
  {
    name: "subject a message",
    windowNs: NO_WINDOW_NS,
    message: (n) => {
      const message = Math.floor(n / EVENTS_PER_MESSAGE);
      return {
        subject: `message.${id(message)}`,
        headers: header("Nats-Expected-Last-Subject-Sequence", String(last.get(message) ?? 0)),
      };
    },
    refuses: isWrongLast,
  },
];

const { values } = parseArgs({ options: { events: { type: "string", default: "1000000" } } });
const events = Number(values.events);
const table = [
  ["way", "MiB", "bytes an event", "server us an event", "us an event that comes late", "refuses"],
];
for (const way of WAYS) table.push(await measure(way));
for (const line of alignTable(table)) process.stdout.write(`${line}\n`);

async function measure(way: Way): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "jetstream-dedupe-"));
  try {
    await using server = await startLocalNatsServer(folder, await freePort());
    if (server === undefined) throw new Error("nats-server is not installed");
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    const [subject = ""] = way.message(0).subject.split(".");
    await manager.streams.add({
      name: "S",
      subjects: [`${subject}.>`],
      storage: StorageType.File,
      duplicate_window: way.windowNs,
    });
    const before = residentMiB(server.pid);
    const cpu = await publish(connection, way, server.pid, order(events));
    const mib = residentMiB(server.pid) - before;
    const lateCpu = await publish(connection, way, server.pid, late(events));
    last.clear();
    const repeat = await answerTo(connection, way, events - 1);
    await connection.close();
    const bytes = (mib * 1024 * 1024) / events;
    return [
      way.name,
      mib.toFixed(0),
      bytes.toFixed(0),
      cpu.toFixed(1),
      lateCpu.toFixed(1),
      String(way.refuses(repeat)),
    ];
  } finally {
    last.clear();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The events of a block of messages one after the other, as they come when reports follow each other. */
function* order(count: number): Generator<number> {
  const block = 1_000 * EVENTS_PER_MESSAGE;
  for (let start = 0; start < count; start += block) {
    for (let kind = 0; kind < EVENTS_PER_MESSAGE; kind++) {
      for (let n = start + kind; n < Math.min(start + block, count); n += EVENTS_PER_MESSAGE) yield n;
    }
  }
}

/** A further event of messages all over the stream, whose earlier ones nobody has looked at for long. */
function* late(count: number): Generator<number> {
  for (let n = 0; n < LATE; n++) {
    const message = (n * 104_729) % Math.floor(count / EVENTS_PER_MESSAGE);
    // Beside the subject of a message, which stays, everything about it is new.
    yield message * EVENTS_PER_MESSAGE + (last.has(message) ? 0 : count * 2);
  }
}

/** Publishes with so many in flight; CPU of the server for each, in microseconds. */
async function publish(
  connection: NatsConnection,
  way: Way,
  pid: number,
  numbers: Iterable<number>,
): Promise<number> {
  const before = cpuMicroseconds(pid);
  const open = new Set<Promise<void>>();
  let count = 0;
  for (const n of numbers) {
    count++;
    const work = answerTo(connection, way, n).then(({ seq, error }) => {
      if (error !== undefined || seq === undefined) throw new Error(`event ${n} was refused`);
      if (way.name === "subject a message") last.set(Math.floor(n / EVENTS_PER_MESSAGE), seq);
      open.delete(work);
    });
    open.add(work);
    if (open.size >= IN_FLIGHT) await Promise.race(open);
  }
  await Promise.all(open);
  return (cpuMicroseconds(pid) - before) / count;
}

async function answerTo(connection: NatsConnection, way: Way, n: number): Promise<Answer> {
  const { subject, headers: sent } = way.message(n);
  const reply = await connection.request(subject, PAYLOAD, {
    timeout: 60_000,
    ...(sent && { headers: sent }),
  });
  return reply.json<Answer>();
}
