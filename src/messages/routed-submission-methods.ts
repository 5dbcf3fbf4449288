import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import type { UnitCalls } from "../rpc/unit-calls.ts";

/** Unit of work that the outbox is. */
export const OUTBOX_UNIT = "outbox";

/**
 * Methods whose calls may run a second time when it is not known whether they
 * have run, as package.Service/Method: a request id makes sure that a
 * submission is taken once, and what is cancelled stays so.
 */
export const REPEATABLE_SUBMISSION_METHODS: ReadonlySet<string> = new Set(
  ["SubmitMessages", "GetSubmission", "ListSubmissions", "CancelSubmission"].map(
    (name) => `${MessagesService.typeName}/${name}`,
  ),
);

/**
 * Makes the methods of MessagesService that deal with submissions for a
 * process that shares the outbox with others: each call runs in the process
 * that has the outbox. They fail with ServiceError only.
 */
export function createRoutedSubmissionMethods(
  units: UnitCalls,
): Pick<
  ServiceImplementation<typeof MessagesService>,
  "submitMessages" | "getSubmission" | "listSubmissions" | "cancelSubmission"
> {
  const { submitMessages, getSubmission, listSubmissions, cancelSubmission } = MessagesService.method;
  return {
    submitMessages: (request, call) => units.unary(OUTBOX_UNIT, submitMessages, request, call),
    getSubmission: (request, call) => units.unary(OUTBOX_UNIT, getSubmission, request, call),
    listSubmissions: (request, call) => units.unary(OUTBOX_UNIT, listSubmissions, request, call),
    cancelSubmission: (request, call) => units.unary(OUTBOX_UNIT, cancelSubmission, request, call),
  };
}
