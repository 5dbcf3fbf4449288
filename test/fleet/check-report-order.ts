import { type Violation, Violations } from "../history/violation.ts";
import type { LoggedEvent } from "../history/watch-history.ts";
import { STEPS, stepOf } from "./report-lane.ts";

/** Checks that the log holds all reports of every message, once and in the order in which Infobip sent them. */
export function checkReportOrder(log: readonly LoggedEvent[], messages: number): Violation[] {
  const violations = new Violations();
  const byMessage = Map.groupBy(log, ({ key }) => key);
  if (byMessage.size !== messages)
    violations.add("Reports", `the log holds ${byMessage.size} messages of ${messages}`);
  for (const [message, events] of byMessage) {
    const steps = events.map(({ item }) => stepOf(item));
    if (steps.length !== STEPS || steps.some((step, index) => step !== index))
      violations.add("Reports", `${message} has the steps ${steps.join()}`);
  }
  return violations.found;
}
