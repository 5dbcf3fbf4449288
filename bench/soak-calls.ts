import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import {
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { FLAT_FACTOR, isFlat, LEAST_CALLS, type MemorySample, memoryCourse } from "./memory-course.ts";
import { messageId } from "./reports.ts";
import { checkResponse, DESTINATION, SAMPLE_CONTENT } from "./send-request.ts";
import { buildBundle } from "./service-bundle.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { SIMULATOR_KEY, startSimulator } from "./simulator-process.ts";
import { SoakCallWatcher } from "./soak-call-watcher.ts";
import { SoakSubscribers } from "./soak-subscribers.ts";

/** Calls under way at one time, and connections that they are spread over. */
const IN_FLIGHT = 128;
const CONNECTIONS = 4;
const CONSUMERS = 2;
/** Most messages whose report is not yet seen and acknowledged: sending waits, so that what is under way is bounded. */
const MAX_UNSETTLED = 10_000;
/** How often memory and disk are looked at, in milliseconds. */
const SAMPLE_MS = 1_000;
/** Looks between two lines of progress. */
const LOOKS_A_LINE = 15;
/** Time for the last reports and acknowledgements after the last call, in milliseconds. */
const SETTLE_MS = 60_000;
/** Most resident memory of the service at any look, in MiB. */
const MEMORY_CEILING_MIB = 320;
/** Setting eventlog.retention_bytes: small, so that even a run of a minute goes beyond it. */
const RETENTION_MIB = 32;
/** Most bytes of the data folder in MiB: a tenth more than retention's limit, the file's room for appends (64), its write-ahead log (64). */
const DISK_CEILING_MIB = Math.ceil(RETENTION_MIB * 1.1) + 64 + 64;
const RUN = "soak-calls";
const PATH = "/infobip.messages.v1.MessagesService/SendMessages";

/** How long a run is: whichever comes first. */
export interface CallSoakSize {
  readonly calls: number;
  readonly minutes: number;
}

/**
 * Sends unary calls through the bundled service to the simulator, whose
 * reports come back by webhooks, and reads everything by WatchEvents and by
 * Subscribe with acknowledgements. Says whether each message was sent once,
 * each report seen once and acknowledged once, and whether memory stayed flat
 * and the disk within what retention allows.
 */
export async function soakCalls(size: CallSoakSize, say: (text: string) => void): Promise<boolean> {
  await using bundle = await buildBundle();
  await using simulator = await startSimulator();
  const settings = {
    UPSTREAM_BASE_URL: simulator.url,
    UPSTREAM_API_KEY: SIMULATOR_KEY,
    EVENTLOG_RETENTION_BYTES: `${RETENTION_MIB}MiB`,
  };
  await using service = await startService(settings, bundle.file);
  const idleMiB = service.residentMiB();
  using soak = new CallSoak(service, size, say);
  const seconds = await soak.run();
  const { sent } = soak;
  say(
    `${sent} calls in ${seconds.toFixed(0)} s, ${Math.round(sent / seconds)} a second; ${round(idleMiB)} MiB after start`,
  );
  const accepted = await acceptedBy(simulator.url);
  const isExact = reportCounts(
    [...(await soak.checks()), { what: "simulator: messages accepted", is: accepted, expected: sent }],
    say,
  );
  return soak.reportMemory() && isExact;
}

/** One run. */
class CallSoak implements Disposable {
  readonly #service: ServiceProcess;
  readonly #size: CallSoakSize;
  readonly #say: (text: string) => void;
  readonly #clients: Client[];
  readonly #watcher: SoakCallWatcher;
  readonly #subscribers: SoakSubscribers;
  /** Of the subscribers: `events` becomes the number of calls once that is known. */
  readonly #plan;
  readonly #memory: MemorySample[] = [];
  #diskPeakMiB = 0;
  #failed = 0;
  #firstFailure: Error | undefined;
  sent = 0;

  constructor(service: ServiceProcess, size: CallSoakSize, say: (text: string) => void) {
    this.#service = service;
    this.#size = size;
    this.#say = say;
    const options = { "grpc.use_local_subchannel_pool": 1 };
    this.#clients = Array.from(
      { length: CONNECTIONS },
      () => new Client(service.grpc, credentials.createInsecure(), options),
    );
    this.#plan = { run: RUN, events: size.calls, consumers: CONSUMERS, types: [EventType.DELIVERY_REPORT] };
    this.#watcher = new SoakCallWatcher(RUN, size.calls);
    this.#subscribers = new SoakSubscribers(() => Promise.resolve(service), this.#plan);
  }

  /** Sends, and waits until everything has come back. Resolves with the seconds that sending took. */
  async run(): Promise<number> {
    await this.#subscribers.create();
    const watching = this.#watcher.run(this.#service.grpc);
    const consuming = this.#subscribers.run();
    const startedAt = performance.now();
    const sampling = setInterval(() => this.#look(startedAt), SAMPLE_MS);
    try {
      await Promise.race([this.#send(startedAt), watching, consuming]);
      const seconds = (performance.now() - startedAt) / 1000;
      this.#plan.events = this.sent;
      await Promise.race([this.#settled(consuming), watching]);
      return seconds;
    } finally {
      clearInterval(sampling);
      this.#watcher.stop();
      this.#subscribers.stop();
      await Promise.allSettled([watching, consuming]);
    }
  }

  async checks(): Promise<{ what: string; is: number; expected: number }[]> {
    if (this.#firstFailure) this.#say(`the first call that failed: ${this.#firstFailure.message}`);
    return [
      { what: "calls that were not answered SENT", is: this.#failed, expected: 0 },
      ...this.#watcher.checks(this.sent),
      ...(await this.#subscribers.checks(true)),
    ];
  }

  /** Says how memory and disk went, and whether within bounds. */
  reportMemory(): boolean {
    const course = memoryCourse(this.#memory, this.sent);
    const isGood = isFlat(course, this.sent, MEMORY_CEILING_MIB);
    const growth = this.sent < LEAST_CALLS ? "too few calls to judge growth" : `at most ${FLAT_FACTOR} times`;
    this.#say(
      `${isGood ? "ok  " : "FAIL"} memory: median ${round(course.earlyMiB)} MiB in the second fifth of the calls, ` +
        `${round(course.lateMiB)} in the last (${growth}), peak ${round(course.peakMiB)} (at most ${MEMORY_CEILING_MIB})`,
    );
    const fits = this.#diskPeakMiB <= DISK_CEILING_MIB;
    this.#say(
      `${fits ? "ok  " : "FAIL"} disk: peak ${round(this.#diskPeakMiB)} MiB (at most ${DISK_CEILING_MIB})`,
    );
    return isGood && fits;
  }

  async #send(startedAt: number): Promise<void> {
    const until = startedAt + this.#size.minutes * 60_000;
    const lane = async (): Promise<void> => {
      while (this.sent < this.#size.calls && performance.now() < until) {
        if (this.#unsettled() >= MAX_UNSETTLED) await wait(10);
        else await this.#call(this.sent++);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  }

  #unsettled(): number {
    return this.sent - Math.min(this.#watcher.reports, this.#subscribers.confirmed);
  }

  async #settled(consuming: Promise<void>): Promise<void> {
    const until = performance.now() + SETTLE_MS;
    const isOpen = (): boolean => this.#watcher.reports < this.sent || this.#watcher.results < this.sent;
    await Promise.race([consuming, wait(SETTLE_MS, undefined, { ref: false })]);
    while (isOpen() && performance.now() < until) await wait(100);
  }

  #call(n: number): Promise<void> {
    const client = this.#clients[n % CONNECTIONS] as Client;
    const asIs = (bytes: Buffer): Buffer => bytes;
    return new Promise((resolve) => {
      const fail = (error: Error): void => {
        this.#failed++;
        this.#firstFailure ??= error;
        resolve();
      };
      client.makeUnaryRequest(
        PATH,
        asIs,
        asIs,
        request(n, this.#service.webhookUrl("delivery")),
        (error, answer) => {
          if (error || !answer) return fail(error ?? new Error("a call has no answer"));
          try {
            checkResponse(fromBinary(SendMessagesResponseSchema, answer));
            resolve();
          } catch (refused) {
            fail(refused as Error);
          }
        },
      );
    });
  }

  #look(startedAt: number): void {
    const mib = this.#service.residentMiB();
    this.#memory.push({ calls: this.sent, mib });
    const disk = folderMiB(this.#service.dataDir);
    this.#diskPeakMiB = Math.max(this.#diskPeakMiB, disk);
    if (this.#memory.length % LOOKS_A_LINE !== 0) return;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    this.#say(
      `${seconds} s: ${this.sent} sent, ${this.#watcher.reports} reports watched, ${this.#subscribers.confirmed} acknowledged, ` +
        `${round(mib)} MiB of memory, ${round(disk)} MiB of disk`,
    );
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close();
  }
}

function request(n: number, url: string): Buffer {
  const to = { to: DESTINATION, messageId: messageId(RUN, n) };
  const value = {
    ...SAMPLE_CONTENT,
    destinations: [{ kind: { case: "toDestination" as const, value: to } }],
    webhooks: { delivery: { url } },
  };
  const message = { messages: [{ kind: { case: "message" as const, value } }] };
  return Buffer.from(toBinary(SendMessagesRequestSchema, create(SendMessagesRequestSchema, message)));
}

/** Messages that the simulator has accepted. */
async function acceptedBy(url: string): Promise<number> {
  const answer = await fetch(`${url}/simulator/stats`);
  const { messages } = (await answer.json()) as { messages: { accepted: number } };
  return messages.accepted;
}

function reportCounts(
  checks: readonly { what: string; is: number; expected: number }[],
  say: (text: string) => void,
): boolean {
  for (const { what, is, expected } of checks)
    say(`${is === expected ? "ok  " : "FAIL"} ${what}: ${is} (expected ${expected})`);
  return checks.every(({ is, expected }) => is === expected);
}

/** Size of the files in a folder, without those that are removed meanwhile. */
function folderMiB(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes / 2 ** 20;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
