import { create } from "@bufbuild/protobuf";
import { anyUnpack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import {
  type StreamMessagesRequest,
  StreamMessagesRequestSchema,
  type StreamResult,
} from "../../gen/infobip/messages/v1/stream_messages_pb.js";
import { Feed } from "../fixtures/feed.ts";
import type { Violations } from "../history/violation.ts";
import type { CallEnd, MakeCall } from "./call-story.ts";
import type { MessagesClient } from "./messages-client.ts";

type Waiting = PromiseWithResolvers<CallEnd>;

/** Makes calls over one stream. */
export class StreamCaller {
  readonly #violations: Violations;
  readonly #requests = new Feed<StreamMessagesRequest>();
  readonly #waiting = new Map<string, Waiting>();
  #sends = 0;
  #end: { readonly error: unknown } | undefined;

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  /** Reads results until the stream ends, which ends all calls. */
  async run({ messages }: MessagesClient): Promise<void> {
    this.#requests.push(create(StreamMessagesRequestSchema, { frame: { case: "open", value: {} } }));
    let error: unknown = new Error("the stream has ended");
    try {
      for await (const { frame } of messages.streamMessages(this.#requests))
        if (frame.case === "results") for (const result of frame.value.results) this.#ended(result);
    } catch (failure) {
      error = failure;
    }
    this.#end = { error };
    this.#requests.end();
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  /** Sends no more; what was sent is still answered. */
  close(): void {
    this.#requests.end();
  }

  readonly call: MakeCall = (request, timeoutMs) => {
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    const clientRef = String(++this.#sends);
    const waiting = Promise.withResolvers<CallEnd>();
    this.#waiting.set(clientRef, waiting);
    const timeout = durationFromMs(timeoutMs);
    const value = { clientRef, request, timeout };
    this.#requests.push(create(StreamMessagesRequestSchema, { frame: { case: "send", value } }));
    return waiting.promise;
  };

  #ended({ clientRef, outcome }: StreamResult): void {
    const waiting = this.#waiting.get(clientRef);
    this.#waiting.delete(clientRef);
    if (waiting === undefined) {
      this.#violations.add("stream", `a result for ${clientRef} too many`);
    } else if (outcome.case === "response") {
      waiting.resolve(outcome.value);
    } else {
      const [info] = outcome.value?.details.flatMap((any) => anyUnpack(any, ErrorInfoSchema) ?? []) ?? [];
      if (info === undefined) this.#violations.add("stream", `${clientRef} failed without a reason`);
      waiting.resolve({ reason: info?.reason ?? "", outcome: info?.metadata.outcome ?? "" });
    }
  }
}
