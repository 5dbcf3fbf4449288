import type { AcceptedMessage, Attempt } from "./accepted-message.ts";
import type { Behaviour, Step } from "./behaviours.ts";
import { isFailure, isFinal } from "./statuses.ts";

/** A step of a message on one of its channels. */
export interface TimelineEntry {
  readonly step: Step;
  readonly attempt: Attempt;
}

type Timed = Pick<AcceptedMessage, "attempts" | "intermediateReport" | "receiveTriggeredFailoverReports">;

/**
 * Lays out everything that happens to a message, over all the channels it is
 * tried on. Steps are counted in milliseconds from the moment it is sent.
 *
 * A channel that fails hands over to the next failover step; its reports are
 * left out unless the message asked for them. Reports that are not final are
 * left out without `intermediateReport`, except when no final one exists.
 */
export function timelineOf(message: Timed, behaviourOf: (attempt: Attempt) => Behaviour): TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  let startMs = 0;
  for (const [index, attempt] of message.attempts.entries()) {
    const steps = reportedSteps(behaviourOf(attempt).steps, message.intermediateReport);
    const failure = steps.find((step) => step.kind === "report" && isFailure(step.status));
    const handsOver = failure !== undefined && index < message.attempts.length - 1;
    for (const step of steps) {
      if (handsOver && step.kind === "report" && !message.receiveTriggeredFailoverReports) continue;
      entries.push({ step: delayed(step, startMs), attempt });
    }
    if (!handsOver) break;
    startMs += failure.atMs;
  }
  return entries;
}

function reportedSteps(steps: readonly Step[], intermediateReport: boolean): readonly Step[] {
  const hasFinal = steps.some((step) => step.kind === "report" && isFinal(step.status));
  if (intermediateReport || !hasFinal) return steps;
  return steps.filter((step) => step.kind !== "report" || isFinal(step.status));
}

function delayed(step: Step, byMs: number): Step {
  const atMs = step.atMs + byMs;
  if (step.kind !== "report" || step.doneAtMs === undefined) return { ...step, atMs };
  return { ...step, atMs, doneAtMs: step.doneAtMs + byMs };
}
