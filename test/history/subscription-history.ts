import type { LoggedEvent } from "./watch-history.ts";

/** What a consumer sent or was sent. Times are those of the whole history; no two are equal. */
export type SessionStep =
  | {
      readonly at: number;
      readonly kind: "delivered";
      readonly sequence: number;
      readonly id: string;
      readonly attempt: number;
    }
  /** Frames are answered in their order: the n-th result belongs to the n-th settlement. */
  | { readonly at: number; readonly kind: "ack" | "nack"; readonly ids: readonly string[] }
  | { readonly at: number; readonly kind: "result"; readonly failures: readonly string[] }
  | { readonly at: number; readonly kind: "progress"; readonly settledTo: number }
  | { readonly at: number; readonly kind: "gap"; readonly from: number; readonly to: number };

/** How a session ended. */
export type SessionHow =
  /** The consumer closed its side, and read to the end. */
  | "left"
  /** The consumer broke the connection. */
  | "dropped"
  /** The service died. */
  | "killed";

/** One session, as its consumer saw it. */
export interface SubscribeSession {
  readonly consumer: string;
  readonly incarnation: number;
  readonly steps: readonly SessionStep[];
  readonly how: SessionHow;
  /** When the consumer began to end it, or saw that it had ended. */
  readonly endedAt: number;
}

/** One call of RedriveDeadLetters for letters that were listed before. */
export interface Redrive {
  readonly sentAt: number;
  /** Undefined when no answer came. */
  readonly answeredAt: number | undefined;
  readonly sequences: readonly number[];
}

/** What the consumers of one subscription did and saw. Leases did not run out, and nobody moved its position. */
export interface SubscriptionHistory {
  readonly maxAttempts: number;
  /** Position it was created at. */
  readonly from: number;
  readonly matches: (event: LoggedEvent) => boolean;
  /** In the order of their beginning. */
  readonly sessions: readonly SubscribeSession[];
  readonly redrives: readonly Redrive[];
  /** In the order of the log. */
  readonly log: readonly LoggedEvent[];
  /** What the subscription said of itself when everything had happened. */
  readonly end: {
    readonly settledTo: number;
    /** Dead letters that are not redriven. */
    readonly dead: readonly { readonly sequence: number; readonly attempts: number }[];
  };
}
