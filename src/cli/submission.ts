import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import {
  CancelSubmissionRequestSchema,
  GetSubmissionRequestSchema,
  ListSubmissionsRequestSchema,
  type Submission,
  SubmissionSchema,
  SubmissionStateSchema,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import { CliError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { enumNumber } from "./enum-names.ts";
import { EXIT } from "./exit-codes.ts";
import { countOption, listOption } from "./option-values.ts";
import { exitCodeOfState, printSubmission, submissionHeading, submissionLine } from "./submission-text.ts";
import { addTargetOptions, type TargetOptions } from "./target.ts";
import { connect } from "./target-access.ts";

/** Submissions of one call; as many as a call gives. */
const PAGE_SIZE = 1000;
/** Submissions that are shown when --max is not given. */
const DEFAULT_MAX = 100;
/** Longest wait for one answer, in milliseconds. */
const CALL_TIMEOUT_MS = 30_000;

interface ListOptions extends TargetOptions {
  readonly state?: readonly string[];
  readonly max: number;
}

/** Adds `submission get|list|cancel`. */
export function addSubmissionCommand(program: Command, run: Runner): void {
  const group = program.command("submission").description("Look at what was submitted, or cancel it.");
  addTarget(group.command("get"))
    .description("Show one submission with its results. Exit code 3 when its outcome is unknown.")
    .argument("<request-id>", "id it was submitted with, or its name: submissions/<id>")
    .addHelpText("after", examples("infobip-rpc submission get order-7-shipped --json | jq -r .state"))
    .action(run(get));
  addTarget(group.command("list"))
    .description("List submissions, newest first.")
    .option("--state <state>", "only this state, such as queued or outcome-unknown; repeatable", listOption)
    .option("--max <count>", "stop after this many", countOption, DEFAULT_MAX)
    .addHelpText("after", examples("infobip-rpc submission list --state outcome-unknown"))
    .action(run(list));
  addTarget(group.command("cancel"))
    .description("Cancel a submission that has not begun to leave.")
    .argument("<request-id>", "id it was submitted with, or its name: submissions/<id>")
    .addHelpText("after", examples("infobip-rpc submission cancel order-7-shipped"))
    .action(run(cancel));
}

function addTarget(command: Command): Command {
  return addTargetOptions(command).option(...JSON_FLAG);
}

const get: CommandBody<TargetOptions> = async ({ context, output }, options, [requestId = ""]) => {
  using client = await connect(context, options);
  const request = create(GetSubmissionRequestSchema, { name: nameOf(requestId) });
  const bounds = { signal: context.signal, timeoutMs: CALL_TIMEOUT_MS };
  const answer = await client.unary(MessagesService.method.getSubmission, request, bounds);
  const submission = submissionIn(answer);
  await printSubmission(output, submission);
  return exitCodeOfState(submission.state);
};

const cancel: CommandBody<TargetOptions> = async ({ context, output }, options, [requestId = ""]) => {
  using client = await connect(context, options);
  const request = create(CancelSubmissionRequestSchema, { name: nameOf(requestId) });
  const bounds = { signal: context.signal, timeoutMs: CALL_TIMEOUT_MS };
  const answer = await client.unary(MessagesService.method.cancelSubmission, request, bounds);
  await printSubmission(output, submissionIn(answer));
  return EXIT.ok;
};

const list: CommandBody<ListOptions> = async ({ context, output }, options) => {
  const states = (options.state ?? []).map((name) => enumNumber(SubmissionStateSchema, name));
  using client = await connect(context, options);
  let left = options.max;
  for (let pageToken = ""; !context.signal.aborted; ) {
    const page = await client.unary(
      MessagesService.method.listSubmissions,
      create(ListSubmissionsRequestSchema, { states, pageToken, pageSize: Math.min(PAGE_SIZE, left) }),
      { signal: context.signal, timeoutMs: CALL_TIMEOUT_MS },
    );
    if (!output.json && pageToken === "") await output.line(submissionHeading(output.style));
    for (const submission of page.submissions) {
      if (output.json) await output.jsonLine(toJson(SubmissionSchema, submission));
      else await output.line(submissionLine(submission, output.style));
    }
    left -= page.submissions.length;
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
    if (left > 0) continue;
    await output.note("there may be more; give a larger --max");
    break;
  }
  return EXIT.ok;
};

/** Events and answers tell names, submitters know their ids: both are taken. */
function nameOf(text: string): string {
  return text.startsWith("submissions/") ? text : `submissions/${text}`;
}

function submissionIn({ submission }: { readonly submission?: Submission | undefined }): Submission {
  if (submission === undefined) throw new CliError("INTERNAL", "the service's answer has no submission");
  return submission;
}
