import { timestampMs } from "@bufbuild/protobuf/wkt";
import { SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type Submission,
  SubmissionState,
  UnknownOutcomePolicy,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import type { FaultKind } from "../../src/simulator/fault.ts";
import type { MessageIdCounts } from "../../src/simulator/ledger.ts";
import { type Violation, Violations } from "../history/violation.ts";
import { refusalReasonOf } from "./last-error-reason.ts";
import { isDone, isForLater, type SubmissionStory } from "./submission-story.ts";
import type { Post } from "./upstream.ts";

/** What is left of all submissions, seen from outside. */
export interface SubmissionHistory {
  readonly stories: readonly SubmissionStory[];
  /** Names in the order of ListSubmissions. */
  readonly listed: readonly Submission[];
  readonly posts: readonly Post[];
  readonly counts: (messageId: string) => MessageIdCounts;
  readonly acceptedTo: (address: string) => number;
}

/** Faults that prove that nothing was sent. */
const UNSENT: ReadonlySet<FaultKind | undefined> = new Set<FaultKind>([
  "rate-limited",
  "unavailable",
  "bad-request",
]);
const { ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED } = SubmissionState;
/** States that say that nothing was sent. */
const NEVER_SENT: ReadonlySet<SubmissionState> = new Set([REJECTED, CANCELLED, EXPIRED]);

/** Checks submissions that were looked at last when nothing was under way any more. */
export function checkSubmissions(history: SubmissionHistory): readonly Violation[] {
  const violations = new Violations();
  const postsTo = Map.groupBy(history.posts, ({ to }) => to);
  checkList(history, violations);
  for (const story of history.stories) {
    const add = (rule: string, text: string) => violations.add(rule, `${story.request.requestId}: ${text}`);
    if (story.isRefused) {
      for (const to of story.addresses) if (postsTo.has(to)) add("refused", "it was refused, and sent");
      continue;
    }
    if (story.seen === undefined) add("lost", "it was not settled by a repeat");
    else checkOne(story, story.seen, history, postsTo, add);
  }
  return violations.found;
}

type Add = (rule: string, text: string) => void;

function checkList({ stories, listed }: SubmissionHistory, violations: Violations): void {
  const kept = stories.filter(({ isRefused }) => !isRefused);
  const states = new Map(listed.map(({ requestId, state }) => [requestId, state]));
  if (states.size !== listed.length) violations.add("list", "the list holds a submission twice");
  for (const { request, seen } of kept)
    if (states.get(request.requestId) !== seen?.state)
      violations.add("list", `${request.requestId} is listed with another state, or not at all`);
  if (listed.length !== kept.length)
    violations.add("list", `${listed.length} are listed, ${kept.length} are known`);
}

function checkOne(
  story: SubmissionStory,
  seen: Submission,
  { counts, acceptedTo }: SubmissionHistory,
  postsTo: ReadonlyMap<string, readonly Post[]>,
  add: Add,
): void {
  const state = SubmissionState[seen.state];
  if (!isDone(seen) && !isForLater(story)) add("unfinished", `it is still ${state}`);
  checkState(story, seen, add);
  story.addresses.forEach((to, index) => {
    const messageId = seen.messageIds[index] ?? "";
    const { accepted } = counts(messageId);
    if (accepted > 1 || acceptedTo(to) > 1) add("twice", "a message was sent twice");
    if (NEVER_SENT.has(seen.state) && accepted > 0) add("state", `it is ${state} and was sent`);
    if (seen.state === ACCEPTED) checkResult(seen, index, accepted, add);
    checkPosts(story, seen, postsTo.get(to) ?? [], messageId, add);
  });
}

function checkPosts(
  story: SubmissionStory,
  { attempts }: Submission,
  posts: readonly Post[],
  messageId: string,
  add: Add,
): void {
  if (posts.some((post) => post.messageId !== messageId)) add("ids", "a request had another message id");
  if (posts.length > attempts) add("attempts", `${posts.length} requests in ${attempts} attempts`);
  if (isForLater(story) && posts.length > 0) add("early", "it was sent before its time");
  if (story.request.unknownOutcomePolicy === UnknownOutcomePolicy.AT_MOST_ONCE) checkAtMostOnce(posts, add);
}

function checkResult({ results, messageIds }: Submission, index: number, accepted: number, add: Add): void {
  const result = results[index];
  const expected = accepted === 1 ? SendOutcome.SENT : SendOutcome.NOT_SENT;
  if (result?.messageId !== messageIds[index]) add("results", "a result is of another message");
  if (result?.outcome !== expected)
    add("results", `accepted ${accepted} times, and the result is ${SendOutcome[result?.outcome ?? 0]}`);
}

/** Nothing follows a request of which it is not proved that it sent nothing. */
function checkAtMostOnce(posts: readonly Post[], add: Add): void {
  for (const { fault } of posts.slice(0, -1))
    if (!UNSENT.has(fault))
      add("at most once", `a further request after one that ended with ${fault ?? "200"}`);
}

function checkState(story: SubmissionStory, seen: Submission, add: Add): void {
  const { request, isCancelled } = story;
  const updatedMs = seen.updateTime === undefined ? 0 : timestampMs(seen.updateTime);
  const isExpired = story.expireAfterMs > 0 && updatedMs >= story.expireAfterMs;
  if (seen.state === CANCELLED && !isCancelled) add("state", "nobody has cancelled it");
  if (seen.state === EXPIRED && !isExpired) add("state", "it has expired too early");
  if (seen.state === ACCEPTED && seen.results.every(({ outcome }) => outcome !== SendOutcome.SENT))
    add("state", "it is ACCEPTED and nothing was sent");
  if (seen.state !== OUTCOME_UNKNOWN) return;
  const isOnce = request.unknownOutcomePolicy === UnknownOutcomePolicy.AT_MOST_ONCE;
  // One that may have been sent cannot become REJECTED or CANCELLED.
  const isRefused = refusalReasonOf(seen) === "UPSTREAM_REJECTED";
  if (!isOnce && !isExpired && !isCancelled && !isRefused) add("state", "it was given up");
  if (seen.attempts === 0) add("state", "it has not been tried, and its outcome is unknown");
}
