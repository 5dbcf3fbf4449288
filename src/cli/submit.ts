import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type SubmitMessagesRequest,
  SubmitMessagesRequestSchema,
  UnknownOutcomePolicySchema,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import { CliError, usageError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { enumNumber } from "./enum-names.ts";
import { repeatedOption, timeFlag } from "./option-values.ts";
import { type SendRequestOptions, sendRequest } from "./send-request.ts";
import { exitCodeOfState, printSubmission } from "./submission-text.ts";
import { addTargetOptions, type TargetOptions } from "./target.ts";
import { connect } from "./target-access.ts";
import { withUnclearEnd } from "./unclear-end.ts";
import { parseFrom } from "./watch-request.ts";

const UNCLEAR_END =
  "the messages may have been accepted; submit them again as they are, with the same --request-id, to learn it";

interface SubmitOptions extends SendRequestOptions, TargetOptions {
  readonly requestId: string;
  readonly policy: string;
  readonly sendAfter?: Timestamp;
  readonly expireAfter?: Timestamp;
  readonly timeout: number;
}

/** Adds `submit`. */
export function addSubmitCommand(program: Command, run: Runner): void {
  addTargetOptions(program.command("submit"))
    .description(
      "Put messages into the service's durable outbox: it sends them in the background, also when Infobip or the service is down in between.",
    )
    .requiredOption("--request-id <id>", "your id of this submission; the same id never submits twice")
    .option("--channel <channel>", "channel, such as sms, whatsapp or viber-bm")
    .option("--to <address>", "destination; repeatable", repeatedOption)
    .option("--from <sender>", "sender; without it the default sender of the channel")
    .option("--text <text>", "text of the message")
    .option("--file <file>", "file with the JSON of a SendMessagesRequest, or - for stdin")
    .option(
      "--policy <policy>",
      "when it cannot be known whether it was sent: at-most-once parks it, at-least-once sends it again with the same message ids",
      "at-most-once",
    )
    .option("--send-after <time>", "not before this time, such as 2026-05-04T09:30:00Z", instant)
    .option("--expire-after <time>", "not after this time", instant)
    .addOption(timeFlag("--timeout <time>", "deadline of the call", 30_000))
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        'infobip-rpc submit --request-id order-7-shipped --channel sms --to 41790000000 --from Shop --text "Your parcel is here"',
        "infobip-rpc submission get order-7-shipped",
      ),
    )
    .action(run(submit));
}

const submit: CommandBody<SubmitOptions> = async ({ context, output }, options) => {
  const request = submitRequest(await sendRequest(context, options), options);
  using client = await connect(context, options);
  const bounds = { signal: context.signal, timeoutMs: options.timeout };
  const { submission } = await client
    .unary(MessagesService.method.submitMessages, request, bounds)
    .catch((error: unknown) => {
      throw withUnclearEnd(error, UNCLEAR_END);
    });
  if (submission === undefined) throw new CliError("INTERNAL", "the service's answer has no submission");
  await printSubmission(output, submission);
  return exitCodeOfState(submission.state);
};

function submitRequest(sent: SendMessagesRequest, options: SubmitOptions): SubmitMessagesRequest {
  if (sent.requestId !== undefined)
    throw usageError("the file must not have a requestId; --request-id is the id of the submission");
  return create(SubmitMessagesRequestSchema, {
    requestId: options.requestId,
    messages: sent.messages,
    options: sent.options,
    coalesce: sent.coalesce,
    unknownOutcomePolicy: enumNumber(UnknownOutcomePolicySchema, options.policy),
    sendAfter: options.sendAfter,
    expireAfter: options.expireAfter,
  });
}

function instant(text: string): Timestamp {
  const from = parseFrom(text);
  if (from.case === "startTime") return timestampFromMs(Date.parse(text));
  throw new InvalidArgumentError("Give a time such as 2026-05-04T09:30:00Z, or a date.");
}
