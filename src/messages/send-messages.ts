import type { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import type { SendCall } from "./send-call.ts";
import { unaryFlow } from "./unary-flow.ts";

/** MessagesService.SendMessages. Expects a validated request, which it changes. */
export function createSendMessages({
  send,
}: {
  readonly send: SendCall;
}): UnaryImplementation<(typeof MessagesService)["method"]["sendMessages"]> {
  return (request, call) =>
    send(request, {
      signal: call.signal,
      timeoutMs: call.timeoutMs(),
      flow: unaryFlow(call),
      caller: call.caller?.name,
      trace: call.trace,
    });
}
