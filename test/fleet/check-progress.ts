import type { SubscribeSession } from "../history/subscription-history.ts";
import { type Violation, Violations } from "../history/violation.ts";

/** A session, with what its consumer knows beside its history. */
export interface FleetSession extends SubscribeSession {
  readonly gateway: string;
  /** When its consumer called. */
  readonly beganAt: number;
}

/** Checks that the position of a subscription never goes back from one session to a later one, whatever process answers. */
export function checkProgress(sessions: readonly FleetSession[]): readonly Violation[] {
  const violations = new Violations();
  const told = sessions
    .flatMap(({ steps }) => steps.filter((step) => step.kind === "progress"))
    .sort((a, b) => a.at - b.at);
  let reached = 0;
  let next = 0;
  for (const { beganAt, steps, consumer, gateway } of sessions.toSorted((a, b) => a.beganAt - b.beganAt)) {
    for (let step = told[next]; step !== undefined && step.at < beganAt; step = told[++next])
      reached = Math.max(reached, step.settledTo);
    const first = steps.find((step) => step.kind === "progress");
    if (first !== undefined && first.settledTo < reached)
      violations.add(
        "Bookmarkable",
        `${consumer} at ${gateway} was told ${first.settledTo} after ${reached} was told before it came`,
      );
  }
  return violations.found;
}
