import { type Submission, SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { Violations } from "../history/violation.ts";
import type { Refusal } from "./call-story.ts";
import type { CrashChild } from "./crash-child.ts";
import { connectMessages, type MessagesClient, refusalOf } from "./messages-client.ts";
import { isDone, isForLater, type SubmissionStory, tellSubmission } from "./submission-story.ts";

/** Submissions that may wait to be done: keeps submitters at the pace of the service. */
const MAX_AHEAD = 80;
/** Submissions that become due at the same moment, how soon, in milliseconds, and the chance of them. */
const TOGETHER = 16;
const SOON_MS = 60;
const BURST = 0.08;
const CANCELLED = 0.12;
const REPEATED = 0.1;
const CHANGED = 0.05;
const MAX_DESTINATIONS = 3;

/** What submitters work with. */
export interface SubmitterParts {
  readonly random: () => number;
  readonly nextAddress: () => string;
  /** A submission was confirmed. */
  readonly onConfirmed: () => void;
}

/** Clients that submit, submit again what was not confirmed, cancel, and look after what they have submitted. */
export class Submitter {
  readonly stories: SubmissionStory[] = [];
  readonly violations = new Violations();
  readonly #parts: SubmitterParts;
  /** Of which no answer has come. */
  #open: SubmissionStory[] = [];
  /** Confirmed and not seen done. */
  readonly #waiting = new Set<SubmissionStory>();

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
  }

  /** Submits until the service is dead. */
  async run(child: CrashChild): Promise<void> {
    using client = connectMessages(child.grpc);
    try {
      while (!child.dead.aborted) await this.#step(client);
    } catch (error) {
      await child.mustBeDead(error);
    }
  }

  /** Submits again what was not confirmed, until nothing of that is left. */
  async settle({ messages }: MessagesClient): Promise<void> {
    for (let story = this.#open.shift(); story !== undefined; story = this.#open.shift())
      await this.#submit(messages, story);
  }

  /** Takes note of a submission as the service shows it, and as it was when the service was asked. */
  observe(story: SubmissionStory, submission: Submission | undefined, seen: Submission | undefined): void {
    const name = story.request.requestId;
    if (submission === undefined) throw new Error(`${name} came without a submission`);
    const state = SubmissionState[submission.state];
    if (seen !== undefined && isDone(seen) && seen.state !== submission.state)
      this.violations.add("final", `${name} was ${SubmissionState[seen.state]} and is ${state}`);
    if (seen !== undefined && seen.attempts > submission.attempts)
      this.violations.add("attempts", `${name} had ${seen.attempts} and has ${submission.attempts}`);
    if (seen !== undefined && seen.messageIds.join() !== submission.messageIds.join())
      this.violations.add("ids", `${name} has other message ids than before`);
    if (!isDone(story.seen)) story.seen = submission;
    if (isDone(submission)) this.#waiting.delete(story);
  }

  async #step({ messages }: MessagesClient): Promise<void> {
    const { random } = this.#parts;
    const open = this.#open.shift();
    if (open !== undefined) await this.#submit(messages, open);
    else if (this.#waiting.size < MAX_AHEAD) await this.#submitNew(messages);
    const [first] = this.#waiting;
    const any = this.stories[Math.floor(random() * this.stories.length)];
    for (const story of [first, any]) if (story?.isConfirmed) await this.look(messages, story);
    if (any?.isConfirmed && random() < REPEATED) await this.#submit(messages, any);
    if (any?.isConfirmed && random() < CHANGED) await this.#submitChanged(messages, any);
  }

  async #submitNew(messages: MessagesClient["messages"]): Promise<void> {
    const { random } = this.#parts;
    if (random() < BURST) {
      const together = Date.now() + SOON_MS;
      const burst = Array.from({ length: TOGETHER }, () => this.#tell(together));
      await Promise.all(burst.map((story) => this.#submit(messages, story)));
      return;
    }
    const story = this.#tell();
    await this.#submit(messages, story);
    if (random() < CANCELLED) await this.#cancel(messages, story);
  }

  #tell(together?: number): SubmissionStory {
    const { random, nextAddress } = this.#parts;
    const count = together === undefined ? 1 + Math.floor(random() * MAX_DESTINATIONS) : 1;
    const addresses = Array.from({ length: count }, nextAddress);
    const story = tellSubmission(this.stories.length, addresses, random, together);
    this.stories.push(story);
    return story;
  }

  /** Nobody else submits a story that is not confirmed meanwhile. */
  async #submit(messages: MessagesClient["messages"], story: SubmissionStory): Promise<void> {
    const { seen, isConfirmed } = story;
    const end = await attempt(messages.submitMessages(story.request)).catch((error: unknown) => {
      if (!isConfirmed) this.#open.push(story);
      throw error;
    });
    if ("reason" in end) {
      const isLate = story.expireAfterMs > 0 && story.expireAfterMs <= Date.now();
      if (end.reason !== "REQUEST_INVALID" || !isLate || isConfirmed)
        this.violations.add("submit", `${story.request.requestId} was refused with ${end.reason}`);
      story.isRefused = true;
      return;
    }
    story.isConfirmed = true;
    if (!isForLater(story)) this.#waiting.add(story);
    this.observe(story, end.submission, seen);
    if (!isConfirmed) this.#parts.onConfirmed();
  }

  /** The id is taken: other contents must be refused. */
  async #submitChanged(messages: MessagesClient["messages"], { request }: SubmissionStory): Promise<void> {
    const end = await attempt(messages.submitMessages({ ...request, coalesce: false }));
    if ("reason" in end && end.reason === "REQUEST_ID_REUSED") return;
    this.violations.add("reused", `${request.requestId} was taken with other contents`);
  }

  async #cancel(messages: MessagesClient["messages"], story: SubmissionStory): Promise<void> {
    if (!story.isConfirmed) return;
    story.isCancelled = true;
    const { seen } = story;
    const end = await attempt(messages.cancelSubmission({ name: nameOf(story) }));
    if (!("reason" in end)) {
      this.observe(story, end.submission, seen);
      if (!isDone(end.submission))
        this.violations.add("cancel", `${nameOf(story)} was cancelled and goes on`);
    } else if (end.reason !== "SUBMISSION_NOT_CANCELLABLE") {
      this.violations.add("cancel", `${nameOf(story)}: ${end.reason}`);
    }
  }

  /** Looks at a submission that was confirmed. */
  async look(messages: MessagesClient["messages"], story: SubmissionStory): Promise<void> {
    const { seen } = story;
    const end = await attempt(messages.getSubmission({ name: nameOf(story) }));
    if ("reason" in end) this.violations.add("lost", `${nameOf(story)}: ${end.reason}`);
    else this.observe(story, end.submission, seen);
  }
}

/** Name of a submission, as the service gives it. */
export function nameOf({ request }: SubmissionStory): string {
  return `submissions/${request.requestId}`;
}

/** The answer, or what the service says instead; throws when it says nothing. */
async function attempt<T>(call: Promise<T>): Promise<T | Refusal> {
  try {
    return await call;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}
