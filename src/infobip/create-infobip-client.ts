import type { MessageResponse } from "../../gen/infobip/messages/v1/response_pb.js";
import { readMessageResponse, readResultsBody } from "./answers.ts";
import { CallRunner } from "./call-runner.ts";
import type { InfobipClientOptions } from "./client-options.ts";
import type { InfobipCallOptions, RenewableInfobipClient, ValidationAnswer } from "./infobip-client.ts";
import type { FetchOptions } from "./report-source.ts";
import { readValidationAnswer } from "./validation-answer.ts";

const MESSAGES_PATH = "/messages-api/1/messages";
const VALIDATE_PATH = "/messages-api/1/messages/validate";
const EVENTS_PATH = "/messages-api/1/events";
const REPORTS_PATH = "/messages-api/1/reports";
const INBOUND_PATH = "/messages-api/1/inbound";

/**
 * Makes a client of Infobip's REST API. It connects at the first call. Nothing
 * is ever repeated, but a request that was refused with 401 while the access
 * token could be renewed. Throws an Error when base URL or credentials cannot
 * be right. Must be disposed; calls after that fail with DRAINING.
 */
export function createInfobipClient(options: InfobipClientOptions): RenewableInfobipClient {
  const runner = new CallRunner(options);
  const send = (path: string, body: string, call: InfobipCallOptions): Promise<MessageResponse> =>
    runner.run({ kind: "SEND", path, body, read: readMessageResponse }, call);
  const fetch = (path: string, query: Record<string, string>, { signal, limit }: FetchOptions) =>
    runner.run(
      {
        kind: "FETCH",
        path: `${path}?${new URLSearchParams({ ...query, limit: String(limit) })}`,
        body: undefined,
        read: readResultsBody,
      },
      { signal },
    );
  return {
    sendMessages: (body, call) => send(MESSAGES_PATH, body, call),
    sendEvents: (body, call) => send(EVENTS_PATH, body, call),
    validateMessages: (body, call): Promise<ValidationAnswer> =>
      runner.run({ kind: "VALIDATE", path: VALIDATE_PATH, body, read: readValidationAnswer }, call),
    fetchReports: (options) => fetch(REPORTS_PATH, {}, options),
    fetchInbound: (channel, options) => fetch(INBOUND_PATH, { channel }, options),
    useCredentials: (credentials) => runner.useCredentials(credentials),
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}
