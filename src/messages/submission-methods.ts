import type { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { Outbox } from "../outbox/outbox.ts";
import type { ServiceImplementation, UnaryImplementation } from "../rpc/service-implementation.ts";
import { createCancelSubmission } from "./cancel-submission.ts";
import { createGetSubmission } from "./get-submission.ts";
import { createListSubmissions } from "./list-submissions.ts";
import type { RequestDefaults } from "./request-defaults.ts";
import { createSubmitMessages } from "./submit-messages.ts";

/** What the methods of submissions work with. */
export interface SubmissionContext {
  readonly outbox: Outbox;
  readonly defaults: RequestDefaults;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Implementation of one unary method of MessagesService. */
export type SubmissionMethod<
  K extends "submitMessages" | "getSubmission" | "listSubmissions" | "cancelSubmission",
> = UnaryImplementation<(typeof MessagesService)["method"][K]>;

/** The methods of MessagesService that deal with submissions, by their local names. */
export type SubmissionMethods = Pick<
  ServiceImplementation<typeof MessagesService>,
  "submitMessages" | "getSubmission" | "listSubmissions" | "cancelSubmission"
>;

/** Makes the methods of MessagesService that deal with submissions. They fail with ServiceError only. */
export function createSubmissionMethods(context: SubmissionContext): SubmissionMethods {
  return {
    submitMessages: createSubmitMessages(context),
    getSubmission: createGetSubmission(context),
    listSubmissions: createListSubmissions(context),
    cancelSubmission: createCancelSubmission(context),
  };
}
