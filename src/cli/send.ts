import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  type SendMessagesResponse,
  SendOutcome,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { CliError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner, type Session } from "./command.ts";
import { eventLine } from "./event-text.ts";
import { EXIT } from "./exit-codes.ts";
import { finalReports, headCursor } from "./final-reports.ts";
import { repeatedOption, timeFlag, traceparentOption } from "./option-values.ts";
import type { RpcClient } from "./rpc-client.ts";
import { type SendRequestOptions, sendRequest } from "./send-request.ts";
import { exitCodeOf, printResults } from "./send-results.ts";
import { addTargetOptions, type TargetOptions } from "./target.ts";
import { connect } from "./target-access.ts";
import { withUnclearEnd } from "./unclear-end.ts";

interface SendOptions extends SendRequestOptions, TargetOptions {
  readonly requestId?: string;
  readonly traceparent?: string;
  readonly watch?: boolean;
  readonly timeout: number;
  readonly watchTimeout: number;
}

/** Adds `send`. */
export function addSendCommand(program: Command, run: Runner): void {
  addTargetOptions(program.command("send"))
    .description("Send messages through a running service, over gRPC. Prints one row for each destination.")
    .option("--channel <channel>", "channel, such as sms, whatsapp or viber-bm")
    .option("--to <address>", "destination; repeatable", repeatedOption)
    .option("--from <sender>", "sender; without it the default sender of the channel")
    .option("--text <text>", "text of the message")
    .option("--file <file>", "file with the JSON of a SendMessagesRequest, or - for stdin")
    .option("--request-id <id>", "your id of this call: repeating it within 24 h sends nothing twice")
    .option("--traceparent <context>", "W3C trace context that the call belongs to", traceparentOption)
    .addOption(timeFlag("--timeout <time>", "deadline of the call", 30_000))
    .option("--watch", "then wait for the final delivery report of every message")
    .addOption(timeFlag("--watch-timeout <time>", "longest wait for the reports", 60_000))
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples(
        'infobip-rpc send --channel sms --to 41790000000 --from Shop --text "Your parcel is here" --watch',
        "infobip-rpc translate body.json | infobip-rpc send --file -",
      ),
    )
    .action(run(send));
}

const send: CommandBody<SendOptions> = async (session, options) => {
  const { context } = session;
  const request = await sendRequest(context, options);
  if (options.requestId !== undefined) request.requestId = options.requestId;
  using client = await connect(context, options);
  const after = options.watch ? await headCursor(client, context.signal) : undefined;
  const response = await call(client, request, options, context.signal);
  await printResults(session.output, response);
  const exitCode = exitCodeOf(response);
  if (after === undefined) return exitCode;
  await watchReports(session, client, options, after, response);
  return exitCode;
};

async function call(
  client: RpcClient,
  request: SendMessagesRequest,
  options: SendOptions,
  signal: AbortSignal,
): Promise<SendMessagesResponse> {
  try {
    return await client.unary(MessagesService.method.sendMessages, request, {
      signal,
      timeoutMs: options.timeout,
      traceparent: options.traceparent,
    });
  } catch (error) {
    throw withUnclearEnd(error, whatMayBe(request));
  }
}

function whatMayBe({ requestId }: SendMessagesRequest): string {
  const text = "the messages may have been sent";
  return requestId === undefined ? text : `${text}; repeat it with the same --request-id to learn it`;
}

async function watchReports(
  { context, output }: Session,
  client: RpcClient,
  options: SendOptions,
  after: string,
  response: SendMessagesResponse,
): Promise<void> {
  const sent = response.results.filter((result) => result.outcome !== SendOutcome.NOT_SENT);
  if (sent.length === 0) return;
  const missing = await finalReports({
    client,
    clock: context.clock,
    signal: context.signal,
    after,
    messageIds: sent.map((result) => result.messageId),
    timeoutMs: options.watchTimeout,
    onReport: (event) =>
      output.json ? output.jsonLine(toJson(EventSchema, event)) : output.line(eventLine(event, output.style)),
  });
  if (missing.length === 0) return;
  throw new CliError("REPORT_MISSING", `no final report came in time for: ${missing.join(", ")}`, {
    exitCode: EXIT.timeout,
  });
}
