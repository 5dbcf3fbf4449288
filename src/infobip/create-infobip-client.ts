import type { MessageResponse } from "../../gen/infobip/messages/v1/response_pb.js";
import { readMessageResponse } from "./answers.ts";
import { CallRunner } from "./call-runner.ts";
import type { InfobipClientOptions } from "./client-options.ts";
import type { InfobipCallOptions, InfobipClient, ValidationAnswer } from "./infobip-client.ts";
import { readValidationAnswer } from "./validation-answer.ts";

const MESSAGES_PATH = "/messages-api/1/messages";
const VALIDATE_PATH = "/messages-api/1/messages/validate";
const EVENTS_PATH = "/messages-api/1/events";

/**
 * Makes a client of Infobip's REST API. It connects at the first call. Nothing
 * is ever repeated, but a request that was refused with 401 while the access
 * token could be renewed. Throws an Error when base URL or credentials cannot
 * be right. Must be disposed; calls after that fail with DRAINING.
 */
export function createInfobipClient(options: InfobipClientOptions): InfobipClient {
  const runner = new CallRunner(options);
  const send = (path: string, body: string, call: InfobipCallOptions): Promise<MessageResponse> =>
    runner.run({ kind: "SEND", path, body, read: readMessageResponse }, call);
  return {
    sendMessages: (body, call) => send(MESSAGES_PATH, body, call),
    sendEvents: (body, call) => send(EVENTS_PATH, body, call),
    validateMessages: (body, call): Promise<ValidationAnswer> =>
      runner.run({ kind: "VALIDATE", path: VALIDATE_PATH, body, read: readValidationAnswer }, call),
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}
