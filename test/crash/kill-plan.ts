/** What a commit holds. */
export type WorkKind =
  | "put"
  | "append"
  | "bury"
  | "redrive"
  | "settle"
  | "remove"
  /** Of calls with a request id. */
  | "answer"
  /** Submissions that are QUEUED, that become SENDING, that go back to QUEUED, that are done, that are removed. */
  | "submit"
  | "leave"
  | "requeue"
  | "result"
  | "purge";

/** When the service is to die. */
export type KillPlan =
  /** At its n-th commit of a kind: before it, right after it, or when the main thread is told of it. */
  | {
      readonly by: "itself";
      readonly kind: WorkKind;
      readonly when: "before" | "after" | "told";
      readonly nth: number;
      /** Rows that the commit changes at least, of those that are its sign. Default: 1. */
      readonly rows?: number;
    }
  /** When its client has got the n-th 200 of a webhook, or the n-th result of an ack or nack, submission or answer. */
  | {
      readonly by: "client";
      readonly after: "200" | "result" | "submission" | "answer";
      readonly nth: number;
    }
  /**
   * When what stands for Infobip holds back an answer to a request that it has
   * read or carried out, or is about to answer after the n-th message it accepted.
   */
  | { readonly by: "upstream"; readonly at: "read" | "carried out" | "answering"; readonly nth: number };

/** Name of the point, for messages and counts. */
export function nameOf(plan: KillPlan): string {
  if (plan.by === "client") return `after a ${plan.after}`;
  if (plan.by === "upstream") return `with a request that is ${plan.at} upstream`;
  const many = plan.rows === undefined ? "" : ` of ${plan.rows} rows or more`;
  return `${plan.when} a commit of ${plan.kind}${many}`;
}
