import { create } from "@bufbuild/protobuf";
import { ListSubmissionsResponseSchema } from "../../gen/infobip/messages/v1/submission_pb.js";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { SubmissionContext, SubmissionMethod } from "./submission-methods.ts";
import { decodePageToken, encodePageToken } from "./submission-page-token.ts";

const DEFAULT_PAGE_SIZE = 100;

/** Makes the implementation of MessagesService.ListSubmissions. */
export function createListSubmissions({ outbox }: SubmissionContext): SubmissionMethod<"listSubmissions"> {
  return async ({ pageSize, pageToken, states }, { signal }) => {
    const page = await orCallEnded(
      outbox.list({
        pageSize: pageSize ?? DEFAULT_PAGE_SIZE,
        before: pageToken === "" ? undefined : decodePageToken(pageToken, states),
        states,
      }),
      signal,
    );
    return create(ListSubmissionsResponseSchema, {
      submissions: [...page.submissions],
      nextPageToken: page.before === undefined ? "" : encodePageToken(page.before, states),
    });
  };
}
