import { create } from "@bufbuild/protobuf";
import {
  ListSubmissionsRequestSchema,
  type ListSubmissionsResponse,
  type Submission,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../errors.ts";
import type { SubmissionMethods } from "../messages/submission-methods.ts";
import { submissionUnknown } from "../outbox/outbox-errors.ts";
import { submissionId, submissionName } from "../outbox/submission-names.ts";
import type { CallContext } from "../rpc/call-context.ts";
import type { Caller } from "../rpc/caller.ts";
import { ownedRequestId, ownerOf } from "./request-owner.ts";

const DEFAULT_PAGE_SIZE = 100;
/** Pages of all submissions that one page of a caller's own is made of at most: it can be short while more follow. */
export const MAX_PAGES_READ = 20;

/**
 * Shows each caller its own submissions only, whichever process holds them;
 * one with the scope admin sees all, also those of callers without a name.
 * A name without a caller's means the caller's own.
 */
export function showOwnSubmissions(methods: SubmissionMethods): SubmissionMethods {
  return {
    submitMessages: methods.submitMessages,
    getSubmission: (request, call) => byName(request, call, () => methods.getSubmission(request, call)),
    cancelSubmission: (request, call) => byName(request, call, () => methods.cancelSubmission(request, call)),
    listSubmissions: (request, call) => {
      const { caller } = call;
      if (caller === undefined || seesAll(caller)) return methods.listSubmissions(request, call);
      const read = (pageSize: number, pageToken: string): Promise<ListSubmissionsResponse> =>
        methods.listSubmissions(
          create(ListSubmissionsRequestSchema, { pageSize, pageToken, states: request.states }),
          call,
        );
      return listOwn(caller, request.pageSize ?? DEFAULT_PAGE_SIZE, request.pageToken, read);
    },
  };
}

async function byName<T>(
  request: { name: string },
  { caller }: CallContext,
  run: () => Promise<T>,
): Promise<T> {
  if (caller === undefined) return run();
  const { name } = request;
  const id = submissionId(name);
  const owner = ownerOf(id);
  if (owner !== undefined) {
    if (owner !== caller.name && !seesAll(caller)) throw submissionUnknown();
    return run();
  }
  request.name = submissionName(ownedRequestId(caller, id));
  const own = run();
  if (!seesAll(caller)) return own;
  return orUnnamed(own, () => {
    request.name = name;
    return run();
  });
}

/** Submissions of callers without a name, and of times without callers, are found under the plain name. */
async function orUnnamed<T>(own: Promise<T>, other: () => Promise<T>): Promise<T> {
  try {
    return await own;
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "SUBMISSION_UNKNOWN") return other();
    throw error;
  }
}

async function listOwn(
  caller: Caller,
  pageSize: number,
  pageToken: string,
  read: (pageSize: number, pageToken: string) => Promise<ListSubmissionsResponse>,
): Promise<ListSubmissionsResponse> {
  const own: Submission[] = [];
  let token = pageToken;
  for (let pages = 1; ; pages++) {
    const page = await read(pageSize - own.length, token);
    own.push(...page.submissions.filter(({ name }) => ownerOf(submissionId(name)) === caller.name));
    token = page.nextPageToken;
    if (token !== "" && own.length < pageSize && pages < MAX_PAGES_READ) continue;
    page.submissions = own;
    return page;
  }
}

function seesAll({ scopes }: Caller): boolean {
  return scopes.has("admin");
}
