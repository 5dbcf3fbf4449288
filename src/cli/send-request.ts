import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ChannelSchema } from "../../gen/infobip/messages/v1/channel_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { CliContext } from "./cli-context.ts";
import { CliError, usageError } from "./cli-error.ts";
import { enumNumber } from "./enum-names.ts";
import { EXIT } from "./exit-codes.ts";
import { parseJson, readInput } from "./read-input.ts";
import { unknownFields } from "./unknown-fields.ts";

/** Flags of `send` that make the request. */
export interface SendRequestOptions {
  readonly file?: string;
  readonly channel?: string;
  readonly to?: readonly string[];
  readonly from?: string;
  readonly text?: string;
}

/** The request that the flags describe: read from a file, or one text message. */
export async function sendRequest(
  context: CliContext,
  options: SendRequestOptions,
): Promise<SendMessagesRequest> {
  const { file, channel, to, from, text } = options;
  if (file !== undefined) {
    if ((channel ?? to ?? from ?? text) !== undefined)
      throw usageError("give either --file or --channel, --to, --from and --text");
    return requestOfJson(parseJson(await readInput(context, file)));
  }
  if (channel === undefined || to === undefined || text === undefined) {
    throw usageError("give --channel, --to and --text, or --file with the JSON of a SendMessagesRequest");
  }
  return create(SendMessagesRequestSchema, {
    messages: [
      {
        kind: {
          case: "message",
          value: {
            channel: enumNumber(ChannelSchema, channel),
            sender: from,
            destinations: to.map((address) => ({
              kind: { case: "toDestination" as const, value: { to: address } },
            })),
            content: { body: { type: { case: "text", value: { text } } } },
          },
        },
      },
    ],
  });
}

function requestOfJson(json: unknown): SendMessagesRequest {
  const unknown = unknownFields(SendMessagesRequestSchema, json);
  if (unknown.length > 0) {
    throw new CliError(
      "REQUEST_INVALID",
      "the file is no SendMessagesRequest; `infobip-rpc translate` makes one of a body of Infobip's REST API",
      { exitCode: EXIT.usage, violations: unknown.map((field) => ({ field, description: "unknown field" })) },
    );
  }
  try {
    return fromJson(SendMessagesRequestSchema, json as JsonValue);
  } catch (error) {
    const message = error instanceof Error ? error.message : "cannot be read";
    throw new CliError("REQUEST_INVALID", message, { exitCode: EXIT.usage, cause: error });
  }
}
