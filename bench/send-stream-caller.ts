import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  StreamMessagesRequestSchema,
  type StreamMessagesResponse,
  StreamMessagesResponseSchema,
  type StreamResult,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";
import type { SendCaller, SendTarget } from "./send-callers.ts";
import { checkResponse, newRequestId, SAMPLE } from "./send-request.ts";

/** Opens one StreamMessages stream with credits for `inFlight` sends. Rejects when the service grants fewer. */
export async function openStreamCaller(target: SendTarget, inFlight: number): Promise<SendCaller> {
  const caller = new StreamCaller(target);
  const credits = await caller.open(inFlight);
  if (credits >= inFlight) return caller;
  await caller[Symbol.asyncDispose]();
  throw new Error(`the stream has ${credits} credits, ${inFlight} are needed`);
}

const PATH = "/infobip.messages.v1.MessagesService/StreamMessages";

class StreamCaller implements SendCaller {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #requestIds: boolean;
  readonly #opened = Promise.withResolvers<number>();
  /** The sends without a result, by their client_ref; never more than the credits. */
  readonly #open = new Map<string, PromiseWithResolvers<void>>();
  #count = 0;

  constructor({ address, requestIds }: SendTarget) {
    this.#requestIds = requestIds;
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    const asIs = (bytes: Buffer): Buffer => bytes;
    this.#stream = this.#client.makeBidiStreamRequest(PATH, asIs, asIs);
    this.#stream.on("data", (bytes: Buffer) => this.#take(fromBinary(StreamMessagesResponseSchema, bytes)));
    this.#stream.on("error", (error) => this.#fail(error));
    this.#stream.on("end", () => this.#fail(new Error("the service ended the stream")));
  }

  /** Resolves with the credits. */
  open(maxInFlight: number): Promise<number> {
    this.#write({ case: "open", value: { clientId: "bench", maxInFlight } });
    return this.#opened.promise;
  }

  call(): Promise<void> {
    const clientRef = String(this.#count++);
    const result = Promise.withResolvers<void>();
    this.#open.set(clientRef, result);
    const request = this.#requestIds ? { messages: SAMPLE.messages, requestId: newRequestId() } : SAMPLE;
    this.#write({ case: "send", value: { clientRef, request } });
    return result.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.cancel();
    this.#client.close();
  }

  #write(frame: MessageInitShape<typeof StreamMessagesRequestSchema>["frame"]): void {
    const message = create(StreamMessagesRequestSchema, { frame });
    this.#stream.write(Buffer.from(toBinary(StreamMessagesRequestSchema, message)));
  }

  #take({ frame }: StreamMessagesResponse): void {
    if (frame.case === "opened") this.#opened.resolve(frame.value.credits);
    if (frame.case !== "results") return;
    for (const result of frame.value.results) this.#settle(result);
  }

  #settle({ clientRef, outcome }: StreamResult): void {
    const send = this.#open.get(clientRef);
    if (send === undefined) throw new Error("a result came twice");
    this.#open.delete(clientRef);
    try {
      if (outcome.case !== "response") throw new Error(`a send failed: ${outcome.value?.message}`);
      send.resolve(checkResponse(outcome.value));
    } catch (error) {
      send.reject(error);
    }
  }

  #fail(error: Error): void {
    this.#opened.reject(error);
    for (const send of this.#open.values()) send.reject(error);
    this.#open.clear();
  }
}
