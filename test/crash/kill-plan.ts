/** What a commit holds. Of one that holds several the last of this list counts. */
export const WORK_KINDS = ["put", "append", "bury", "redrive", "settle", "remove"] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** When the service is to die. */
export type KillPlan =
  /** At its n-th commit of a kind: before it, right after it, or when the main thread is told of it. */
  | {
      readonly by: "itself";
      readonly kind: WorkKind;
      readonly when: "before" | "after" | "told";
      readonly nth: number;
    }
  /** When its client has got the n-th 200 of a webhook, or the n-th result of an ack or nack. */
  | { readonly by: "client"; readonly after: "200" | "result"; readonly nth: number };

/** Name of the point, for messages and counts. */
export function nameOf(plan: KillPlan): string {
  return plan.by === "client" ? `after a ${plan.after}` : `${plan.when} a commit of ${plan.kind}`;
}
