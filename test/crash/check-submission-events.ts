import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { type Violation, Violations } from "../history/violation.ts";
import type { SubmissionStory } from "./submission-story.ts";
import { nameOf } from "./submitter.ts";

const { QUEUED, SENDING, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED } = SubmissionState;

/** Which states may follow a state. A further request of one attempt is SENDING again. */
const NEXT: ReadonlyMap<SubmissionState | undefined, readonly SubmissionState[]> = new Map([
  [undefined, [QUEUED]],
  [QUEUED, [SENDING, CANCELLED, EXPIRED, OUTCOME_UNKNOWN]],
  [SENDING, [SENDING, QUEUED, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, EXPIRED]],
]);

/** Checks that the events of each submission, in the order of the log, tell of each change of its state once. */
export function checkSubmissionEvents(
  stories: readonly SubmissionStory[],
  events: readonly Event[],
): readonly Violation[] {
  const violations = new Violations();
  const byName = Map.groupBy(events, changedBy);
  const known = new Set<string>();
  for (const story of stories) {
    if (story.isRefused) continue;
    known.add(nameOf(story));
    checkPath(story, byName.get(nameOf(story)) ?? [], (text) =>
      violations.add("events", `${story.request.requestId}: ${text}`),
    );
  }
  for (const name of byName.keys())
    if (!known.has(name)) violations.add("events", `there are events of ${name}, which does not exist`);
  return violations.found;
}

function changedBy({ payload }: Event): string {
  return payload.case === "submission" ? payload.value.submission : "";
}

function checkPath(story: SubmissionStory, events: readonly Event[], add: (text: string) => void): void {
  let state: SubmissionState | undefined;
  let attempts = 0;
  for (const { payload, occurTime } of events) {
    if (payload.case !== "submission") continue;
    const { value } = payload;
    const step = `${SubmissionState[state ?? 0]} to ${SubmissionState[value.state]}`;
    if (!(NEXT.get(state) ?? []).includes(value.state)) add(`its state went from ${step}`);
    if (value.state === SENDING) {
      attempts++;
      checkTime(story, occurTime, add);
    }
    if (value.attempts !== attempts) add(`${value.attempts} attempts and not ${attempts} at ${step}`);
    state = value.state;
  }
  const { seen } = story;
  if (state !== seen?.state) add(`the last event says ${SubmissionState[state ?? 0]}`);
  if (attempts !== seen?.attempts) add(`${attempts} attempts by its events, ${seen?.attempts} by itself`);
}

function checkTime(
  { sendAfterMs, expireAfterMs }: SubmissionStory,
  time: Timestamp | undefined,
  add: (text: string) => void,
): void {
  const atMs = time === undefined ? 0 : timestampMs(time);
  if (atMs < sendAfterMs) add("it was sent before its time");
  if (expireAfterMs > 0 && atMs >= expireAfterMs) add("it was sent after its time");
}
