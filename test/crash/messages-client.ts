import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { MakeCall, Refusal } from "./call-story.ts";

/** A gRPC client with a connection of its own. */
export interface MessagesClient extends Disposable {
  readonly messages: Client<typeof MessagesService>;
}

export function connectMessages(address: string): MessagesClient {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  return {
    messages: createClient(MessagesService, createGrpcTransport({ baseUrl, sessionManager })),
    [Symbol.dispose]: () => sessionManager.abort(),
  };
}

/** Undefined for an error that is not the service's own, such as that of a broken connection. */
export function refusalOf(error: unknown): Refusal | undefined {
  const failure = ConnectError.from(error);
  const [info] = failure.findDetails(ErrorInfoSchema);
  if (info !== undefined) return { reason: info.reason, outcome: info.metadata.outcome ?? "" };
  // The client's own clock was first.
  return failure.code === Code.DeadlineExceeded ? { reason: "CLIENT", outcome: "UNKNOWN" } : undefined;
}

/** Makes calls of SendMessages. */
export function unaryCall({ messages }: MessagesClient): MakeCall {
  return async (request, timeoutMs) => {
    try {
      return await messages.sendMessages(request, { timeoutMs });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  };
}
