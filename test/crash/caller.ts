import { Violations } from "../history/violation.ts";
import { type CallEnd, type CallStory, isRefusal, type MakeCall, tellCall, textOf } from "./call-story.ts";
import type { CrashChild } from "./crash-child.ts";

/** Chances of what is called next when there is a choice. */
const REPEATED = 0.25;
const CHANGED = 0.08;
/** Chance that two calls with one id are made at one time. */
const TWICE = 0.15;
/** Chance that a call is given too little time, and times in milliseconds. */
const HURRIED = 0.12;
const SHORT_MS = 40;
const LONG_MS = 5_000;
const MAX_DESTINATIONS = 3;
/** What an id with an answer can be refused with: nothing that tells of a send. */
const HARMLESS: ReadonlySet<string> = new Set(["CLIENT", "DEADLINE_EXCEEDED", "OVERLOADED"]);

/** What callers work with. */
export interface CallerParts {
  readonly random: () => number;
  readonly nextAddress: () => string;
  /** How often a message to an address was accepted. */
  readonly acceptedTo: (address: string) => number;
  /** A call was answered. */
  readonly onAnswer: () => void;
}

/** Clients that send with request ids, and repeat until they have an answer, and also afterwards. */
export class Caller {
  readonly stories: CallStory[] = [];
  readonly violations = new Violations();
  readonly #parts: CallerParts;
  #open: CallStory[] = [];

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Calls until the service is dead. */
  async run(child: CrashChild, call: MakeCall): Promise<void> {
    try {
      while (!child.dead.aborted) await this.#step(call);
    } catch (error) {
      await child.mustBeDead(error);
    }
  }

  /** Repeats everything: what has no answer yet until it has one. */
  async settle(call: MakeCall): Promise<void> {
    while (this.#open.length > 0) await this.#attempt(this.#open.shift() as CallStory, call, false);
    for (const story of this.stories) await this.#attempt(story, call, false);
  }

  async #step(call: MakeCall): Promise<void> {
    const { random } = this.#parts;
    const any = this.stories[Math.floor(random() * this.stories.length)];
    const choice = random();
    if (any?.answer !== undefined && choice < CHANGED) return this.#callChanged(any, call);
    const isRepeat = any?.answer !== undefined && choice < CHANGED + REPEATED;
    await this.#attempt(isRepeat ? any : (this.#open.shift() ?? this.#tell()), call, random() < HURRIED);
  }

  #tell(): CallStory {
    const { random, nextAddress } = this.#parts;
    const count = 1 + Math.floor(random() * MAX_DESTINATIONS);
    const story = tellCall(this.stories.length, Array.from({ length: count }, nextAddress));
    this.stories.push(story);
    return story;
  }

  /** Nobody else calls a story without an answer meanwhile. */
  async #attempt(story: CallStory, call: MakeCall, isHurried: boolean): Promise<void> {
    const timeoutMs = isHurried ? SHORT_MS : LONG_MS;
    const calls = Array.from({ length: this.#parts.random() < TWICE ? 2 : 1 }, () =>
      call(story.request, timeoutMs),
    );
    const ends = await Promise.allSettled(calls);
    for (const end of ends) {
      if (end.status === "fulfilled") this.#ended(story, end.value);
      else story.isUnsent = false;
    }
    if (story.answer === undefined) this.#open.push(story);
    this.#checkUnsent(story);
    const broken = ends.find(({ status }) => status === "rejected");
    if (broken?.status === "rejected") throw broken.reason;
  }

  #ended(story: CallStory, end: CallEnd): void {
    const { requestId } = story.request;
    const { answer } = story;
    if (!isRefusal(end)) {
      if (answer !== undefined && textOf(answer) !== textOf(end))
        this.violations.add("replay", `${requestId}: ${textOf(answer)} became ${textOf(end)}`);
      story.answer ??= end;
      if (answer === undefined) this.#parts.onAnswer();
      return;
    }
    if (end.outcome !== "NOT_SENT") story.isUnsent = false;
    if (answer !== undefined && !HARMLESS.has(end.reason))
      this.violations.add("replay", `${requestId} was answered, then refused with ${end.reason}`);
    if (end.reason === "REQUEST_ID_REUSED" || end.reason === "REQUEST_INVALID")
      this.violations.add("refused", `${requestId}: ${end.reason}`);
  }

  #checkUnsent({ request, addresses, answer, isUnsent }: CallStory): void {
    if (answer !== undefined || !isUnsent) return;
    for (const address of addresses)
      if (this.#parts.acceptedTo(address) > 0)
        this.violations.add("unsent", `${request.requestId} was NOT_SENT and has been accepted`);
  }

  /** The id has its answer: other contents must be refused. */
  async #callChanged({ request }: CallStory, call: MakeCall): Promise<void> {
    const [base] = request.messages;
    const end = await call({ ...request, messages: [base, base].flatMap((one) => one ?? []) }, LONG_MS);
    if (isRefusal(end) && (end.reason === "REQUEST_ID_REUSED" || HARMLESS.has(end.reason))) return;
    this.violations.add("reused", `${request.requestId} was taken with other contents`);
  }
}
