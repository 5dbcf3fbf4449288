import type { StatusName } from "./statuses.ts";

/** Something that happens to a message, `atMs` after it was sent. */
export type Step =
  | {
      readonly kind: "report";
      readonly status: StatusName;
      readonly atMs: number;
      /** Moment that the report gives as `doneAt`, counted like `atMs`. Default: `atMs`. */
      readonly doneAtMs?: number;
    }
  | { readonly kind: "seen" | "reply" | "typing" | "click"; readonly atMs: number };

/** What becomes of a message on one channel. */
export interface Behaviour {
  /** Refuses the message in the answer to the request; nothing else happens then. */
  readonly reject?: StatusName;
  /** Posts what is due at 0 ms before the request is answered. */
  readonly beforeResponse?: boolean;
  readonly steps: readonly Step[];
}

/** How long things take, in milliseconds. */
export interface BehaviourDelays {
  /** From sending to the first final report. */
  readonly reportDelayMs: number;
  /** From one step to the next. */
  readonly stepDelayMs: number;
  /** From sending to the report of a late message. */
  readonly lateDelayMs: number;
}

/** Names of the behaviours that the simulator brings along. */
export type BehaviourName = keyof typeof BEHAVIOURS;

type Delays = BehaviourDelays;
const report = (status: StatusName, atMs: number): Step => ({ kind: "report", status, atMs });
const deliveredSteps = (d: Delays): Step[] => [
  report("PENDING_ENROUTE", 0),
  report("DELIVERED_TO_HANDSET", d.reportDelayMs),
];
const failedSteps = (d: Delays, status: StatusName): Step[] => [
  report("PENDING_ENROUTE", 0),
  report(status, d.reportDelayMs),
];
const after = (d: Delays, steps: number): number => d.reportDelayMs + steps * d.stepDelayMs;

const BEHAVIOURS = {
  delivered: (d: Delays): Behaviour => ({ steps: deliveredSteps(d) }),
  seen: (d: Delays): Behaviour => ({ steps: [...deliveredSteps(d), { kind: "seen", atMs: after(d, 1) }] }),
  undeliverable: (d: Delays): Behaviour => ({ steps: failedSteps(d, "UNDELIVERABLE_NOT_DELIVERED") }),
  expired: (d: Delays): Behaviour => ({ steps: failedSteps(d, "EXPIRED_EXPIRED") }),
  rejected: (_: Delays): Behaviour => ({ reject: "REJECTED_DESTINATION_BLOCKLISTED", steps: [] }),
  rejectedLater: (d: Delays): Behaviour => ({ steps: failedSteps(d, "REJECTED_DESTINATION_BLOCKLISTED") }),
  late: (d: Delays): Behaviour => ({
    steps: [report("PENDING_ENROUTE", 0), report("DELIVERED_TO_HANDSET", d.lateDelayMs)],
  }),
  duplicateReports: (d: Delays): Behaviour => ({
    steps: [
      ...deliveredSteps(d),
      { kind: "report", status: "DELIVERED_TO_HANDSET", atMs: after(d, 1), doneAtMs: d.reportDelayMs },
    ],
  }),
  intermediate: (d: Delays): Behaviour => ({
    steps: [report("DELIVERED_TO_OPERATOR", d.reportDelayMs), report("DELIVERED_TO_HANDSET", after(d, 1))],
  }),
  outOfOrder: (d: Delays): Behaviour => ({
    steps: [
      report("DELIVERED_TO_HANDSET", d.reportDelayMs),
      report("DELIVERED_TO_OPERATOR", after(d, 1)),
      report("PENDING_ENROUTE", after(d, 2)),
    ],
  }),
  reportBeforeResponse: (_: Delays): Behaviour => ({
    beforeResponse: true,
    steps: [report("DELIVERED_TO_HANDSET", 0)],
  }),
  noReport: (_: Delays): Behaviour => ({ steps: [] }),
  failover: (d: Delays): Behaviour => ({ steps: failedSteps(d, "UNDELIVERABLE_NOT_DELIVERED") }),
  reply: (d: Delays): Behaviour => ({ steps: [...deliveredSteps(d), { kind: "reply", atMs: after(d, 1) }] }),
  typingThenReply: (d: Delays): Behaviour => ({
    steps: [
      ...deliveredSteps(d),
      { kind: "typing", atMs: after(d, 1) },
      { kind: "reply", atMs: after(d, 2) },
    ],
  }),
  click: (d: Delays): Behaviour => ({ steps: [...deliveredSteps(d), { kind: "click", atMs: after(d, 1) }] }),
  operatorOnly: (d: Delays): Behaviour => ({ steps: [report("DELIVERED_TO_OPERATOR", d.reportDelayMs)] }),
  seenFirst: (d: Delays): Behaviour => ({
    steps: [{ kind: "seen", atMs: d.reportDelayMs }, report("DELIVERED_TO_HANDSET", after(d, 1))],
  }),
};

/** Last five digits of an address that choose a behaviour; every other address is delivered. */
export const BEHAVIOUR_SUFFIXES: Readonly<Record<string, BehaviourName>> = {
  "99000": "delivered",
  "99001": "seen",
  "99002": "undeliverable",
  "99003": "expired",
  "99004": "rejected",
  "99005": "rejectedLater",
  "99006": "late",
  "99007": "duplicateReports",
  "99008": "intermediate",
  "99009": "outOfOrder",
  "99010": "reportBeforeResponse",
  "99011": "noReport",
  "99012": "failover",
  "99013": "reply",
  "99014": "typingThenReply",
  "99015": "click",
  "99016": "operatorOnly",
  "99017": "seenFirst",
};

const SUFFIX_LENGTH = 5;

/** The behaviour of that name, with its delays filled in. */
export function behaviourNamed(name: BehaviourName, delays: BehaviourDelays): Behaviour {
  return BEHAVIOURS[name](delays);
}

/** The name of the behaviour that an address asks for on a channel; `failover` fails on the own channel only. */
export function behaviourNameFor(address: string, failoverStep: number): BehaviourName {
  const name = BEHAVIOUR_SUFFIXES[address.slice(-SUFFIX_LENGTH)] ?? "delivered";
  return name === "failover" && failoverStep > 0 ? "delivered" : name;
}
