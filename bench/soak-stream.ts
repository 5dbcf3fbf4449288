import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  StreamMessagesRequestSchema,
  StreamMessagesResponseSchema,
  type StreamResult,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";
import { checkResponse, SAMPLE } from "./send-request.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { startUpstream } from "./upstream.ts";

/** Sends under way at one time. */
const IN_FLIGHT = 1_000;
/** Sends, beside those asked for, after which the service's memory is taken as its base: heap and caches grow until then. */
const WARM_UP_SENDS = 150_000;
/** How often memory is looked at after that, over the whole run. */
const SAMPLES = 20;
/** Most that the service's resident memory may be above its base, in MiB. */
export const MAX_GROWTH_MIB = 64;

const PATH = "/infobip.messages.v1.MessagesService/StreamMessages";

/** What a run came to. */
export interface StreamSoakResult {
  readonly seconds: number;
  /** Sends with a result, and results in all. */
  readonly answered: number;
  readonly results: number;
  /** Results that were no success. */
  readonly failed: number;
  /** Resident memory of the service in MiB after the warm-up, and the most after that. */
  readonly baseMiB: number;
  readonly peakMiB: number;
}

/**
 * Sends so many messages, after a warm-up, over one StreamMessages stream of a
 * service before an upstream that answers at once, and says whether each had one result, the
 * upstream had each once, and the service's memory stayed flat.
 */
export async function soakStream(sends: number, say: (text: string) => void): Promise<boolean> {
  await using upstream = await startUpstream();
  await using service = await startService({ UPSTREAM_BASE_URL: upstream.url });
  const result = await runStream(service, WARM_UP_SENDS + sends, say);
  const { seconds, answered, results, failed, baseMiB, peakMiB } = result;
  const all = WARM_UP_SENDS + sends;
  say(`${all} sends in ${seconds.toFixed(1)} s, ${Math.round(all / seconds)} a second`);
  const { messages, requests } = await upstream.counts();
  say(`${requests} requests to the upstream, ${(requests / all).toFixed(3)} a send`);
  const checks = [
    { what: "sends with a result", is: answered, most: all, least: all },
    { what: "results", is: results, most: all, least: all },
    { what: "results that were no success", is: failed, most: 0, least: 0 },
    { what: "messages that the upstream had", is: messages, most: all, least: all },
    { what: "MiB that memory grew after the warm-up", is: peakMiB - baseMiB, most: MAX_GROWTH_MIB },
  ];
  for (const { what, is, most, least = Number.NEGATIVE_INFINITY } of checks) {
    say(`${is >= least && is <= most ? "ok  " : "FAIL"} ${what}: ${round(is)} (at most ${most})`);
  }
  return checks.every(({ is, most, least = Number.NEGATIVE_INFINITY }) => is >= least && is <= most);
}

/** Sends over one stream of a service and watches its memory. */
export async function runStream(
  service: Pick<ServiceProcess, "grpc" | "residentMiB">,
  sends: number,
  say: (text: string) => void,
): Promise<StreamSoakResult> {
  using sender = new StreamSender(service.grpc, sends);
  const startedAt = performance.now();
  const warm = Math.min(WARM_UP_SENDS, sends);
  const step = Math.max(1, Math.floor((sends - warm) / SAMPLES));
  await sender.until(warm);
  const baseMiB = service.residentMiB();
  let peakMiB = baseMiB;
  for (let at = warm; at < sends; ) {
    const seconds = (performance.now() - startedAt) / 1000;
    say(`${sender.results} results after ${seconds.toFixed(1)} s, ${round(service.residentMiB())} MiB`);
    at = Math.min(sends, at + step);
    await sender.until(at);
    peakMiB = Math.max(peakMiB, service.residentMiB());
  }
  await sender.end();
  const { answered, results, failed } = sender;
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, answered, results, failed, baseMiB, peakMiB };
}

/** The client's end of the stream: keeps {@link IN_FLIGHT} sends under way until all are sent. */
class StreamSender implements Disposable {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #sends: number;
  /** 1 for each send that has a result. */
  readonly #seen: Uint8Array;
  readonly #ended = Promise.withResolvers<void>();
  #reached = Promise.withResolvers<void>();
  #goal = Number.POSITIVE_INFINITY;
  #begun = 0;
  answered = 0;
  results = 0;
  failed = 0;

  constructor(address: string, sends: number) {
    this.#sends = sends;
    this.#seen = new Uint8Array(sends);
    this.#client = new Client(address, credentials.createInsecure());
    const asIs = (bytes: Buffer): Buffer => bytes;
    this.#stream = this.#client.makeBidiStreamRequest(PATH, asIs, asIs);
    this.#stream.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#stream.on("end", this.#ended.resolve);
    this.#stream.on("error", (error) => {
      this.#ended.reject(error);
      this.#reached.reject(error);
    });
    this.#ended.promise.catch(() => undefined);
    this.#reached.promise.catch(() => undefined);
    this.#stream.write(encode({ case: "open", value: { clientId: "soak", maxInFlight: IN_FLIGHT } }));
  }

  /** Resolves once there are so many results. */
  async until(results: number): Promise<void> {
    if (this.results >= results) return;
    this.#goal = results;
    await this.#reached.promise;
    this.#reached = Promise.withResolvers();
    this.#reached.promise.catch(() => undefined);
  }

  /** Closes its side; resolves when the service has ended the stream well. */
  async end(): Promise<void> {
    this.#stream.end();
    await this.#ended.promise;
  }

  #take(bytes: Buffer): void {
    const { frame } = fromBinary(StreamMessagesResponseSchema, bytes);
    if (frame.case === "results") for (const result of frame.value.results) this.#count(result);
    while (this.#begun < this.#sends && this.#begun - this.results < IN_FLIGHT) this.#send();
    if (this.results >= this.#goal) this.#reached.resolve();
  }

  #send(): void {
    this.#stream.write(
      encode({ case: "send", value: { clientRef: String(this.#begun++), request: SAMPLE } }),
    );
  }

  #count({ clientRef, outcome }: StreamResult): void {
    const number = Number(clientRef);
    this.results++;
    if (this.#seen[number] === 0) this.answered++;
    this.#seen[number] = 1;
    try {
      if (outcome.case !== "response") throw new Error(outcome.value?.message);
      checkResponse(outcome.value);
    } catch {
      this.failed++;
    }
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

type FrameInit = NonNullable<Parameters<typeof create<typeof StreamMessagesRequestSchema>>[1]>["frame"];

function encode(frame: FrameInit): Buffer {
  return Buffer.from(toBinary(StreamMessagesRequestSchema, create(StreamMessagesRequestSchema, { frame })));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
