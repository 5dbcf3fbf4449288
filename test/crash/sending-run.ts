import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { seededRandom } from "../../src/simulator/seeded-random.ts";
import type { Violation } from "../history/violation.ts";
import { Caller } from "./caller.ts";
import { checkCalls } from "./check-calls.ts";
import { checkSubmissionEvents } from "./check-submission-events.ts";
import { checkSubmissions } from "./check-submissions.ts";
import { CrashChild } from "./crash-child.ts";
import { type KillPlan, nameOf } from "./kill-plan.ts";
import { connectMessages, type MessagesClient, unaryCall } from "./messages-client.ts";
import { listSubmissionEvents, listSubmissions } from "./sending-lists.ts";
import { StreamCaller } from "./stream-caller.ts";
import { isForLater } from "./submission-story.ts";
import { Submitter } from "./submitter.ts";
import { Upstream } from "./upstream.ts";

const SUBMITTERS = 4;
const CALLERS = 2;
const STREAM_CALLERS = 2;
/** How long the last incarnation may take to finish everything, in milliseconds. */
const FINISH_LIMIT_MS = 60_000;
const FIRST_ADDRESS = 385_910_000_000;
const WAITING = [SubmissionState.QUEUED, SubmissionState.SENDING];

/** What is left when everything has happened. */
export interface SendingOutcome {
  readonly violations: readonly Violation[];
  /** How often the service died at each point. */
  readonly deaths: ReadonlyMap<string, number>;
  readonly submissions: ReadonlyMap<SubmissionState, number>;
  readonly calls: number;
  readonly requests: number;
}

/** A service that is killed again and again while it sends. */
export class SendingRun implements AsyncDisposable {
  readonly #directory: string;
  readonly #upstream: Upstream;
  readonly #submitter: Submitter;
  readonly #caller: Caller;
  readonly #deaths = new Map<string, number>();
  #child: CrashChild | undefined;
  #plan: KillPlan | undefined;
  #occasions = 0;
  #address = FIRST_ADDRESS;

  private constructor(directory: string, upstream: Upstream, seed: number) {
    this.#directory = directory;
    this.#upstream = upstream;
    const random = seededRandom(seed);
    const nextAddress = () => String(++this.#address);
    this.#submitter = new Submitter({
      random,
      nextAddress,
      onConfirmed: () => this.#occasion("submission"),
    });
    this.#caller = new Caller({
      random,
      nextAddress,
      acceptedTo: (address) => upstream.acceptedTo(address),
      onAnswer: () => this.#occasion("answer"),
    });
  }

  static async start(seed: number): Promise<SendingRun> {
    const directory = await mkdtemp(join(tmpdir(), "infobip-rpc-sending-"));
    return new SendingRun(directory, await Upstream.start(seed), seed);
  }

  /** Starts the service and lets it die by plan. */
  async round(plan: KillPlan): Promise<void> {
    this.#plan = plan;
    this.#occasions = 0;
    const dead = new AbortController();
    const opened = Promise.withResolvers<CrashChild | undefined>();
    // What the last incarnation has left is sent before the service says that it listens.
    const kill = () => void opened.promise.then((child) => child?.kill());
    this.#upstream.beginRound(plan, kill, dead.signal);
    const child = await this.#open({ plan });
    opened.resolve(child);
    child?.dead.addEventListener("abort", () => dead.abort());
    if (child !== undefined) await this.#attach(child);
    dead.abort();
    if (child?.wasKilled === false) throw new Error("the service ended by itself");
    this.#upstream.endRound();
    this.#deaths.set(nameOf(plan), (this.#deaths.get(nameOf(plan)) ?? 0) + 1);
  }

  /** Lets the service come to an end with all its work, and checks everything that was seen. */
  async finish(): Promise<SendingOutcome> {
    this.#plan = undefined;
    const child = await this.#open({});
    if (child === undefined) throw new Error("the service died without a plan");
    using client = connectMessages(child.grpc);
    await this.#submitter.settle(client);
    await this.#caller.settle(unaryCall(client));
    await this.#untilFinished(client);
    for (const story of this.#submitter.stories)
      if (story.isConfirmed) await this.#submitter.look(client.messages, story);
    return await this.#judge(child, client);
  }

  /** Lets the service die while it removes submissions, then lets it remove all; returns what was not as it should be. */
  async purge(plans: readonly KillPlan[]): Promise<readonly string[]> {
    const faults: string[] = [];
    const requests = this.#upstream.requests;
    const kept = this.#submitter.stories.filter(({ seen }) => seen?.state === SubmissionState.QUEUED).length;
    for (const plan of plans) {
      const child = await this.#open({ plan, submissionRetentionMs: 0 });
      if (child !== undefined) await this.#untilDead(child);
      this.#deaths.set(nameOf(plan), (this.#deaths.get(nameOf(plan)) ?? 0) + 1);
    }
    const child = await this.#open({ submissionRetentionMs: 0 });
    if (child === undefined) throw new Error("the service died without a plan");
    using client = connectMessages(child.grpc);
    const limit = AbortSignal.timeout(FINISH_LIMIT_MS);
    let left = await listSubmissions(client, []);
    while (left.length > kept && !limit.aborted) left = await listSubmissions(client, []);
    if (left.length !== kept) faults.push(`${left.length} submissions are left, ${kept} should be`);
    if (left.some(({ state }) => state !== SubmissionState.QUEUED)) faults.push("one that is done is left");
    if (this.#upstream.requests !== requests) faults.push("something was sent meanwhile");
    const events = await listSubmissionEvents(child);
    return [...faults, ...checkSubmissionEvents(this.#submitter.stories, events).map(({ text }) => text)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.kill();
    await this.#upstream[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Something has happened after which a client may kill the service. */
  #occasion(after: "submission" | "answer"): void {
    if (this.#plan?.by !== "client" || this.#plan.after !== after) return;
    if (++this.#occasions === this.#plan.nth) void this.#child?.kill();
  }

  async #open(options: {
    readonly plan?: KillPlan;
    readonly submissionRetentionMs?: number;
  }): Promise<CrashChild | undefined> {
    await this.#child?.kill();
    this.#child = undefined;
    this.#child = await CrashChild.start({
      dataDir: join(this.#directory, "data"),
      cacheDir: process.env.NODE_COMPILE_CACHE ?? join(this.#directory, "cache"),
      secret: "a-secret-of-the-sending-rounds",
      upstream: this.#upstream.baseUrl,
      ...options,
    });
    return this.#child;
  }

  async #attach(child: CrashChild): Promise<void> {
    using client = connectMessages(child.grpc);
    const stream = new StreamCaller(this.#caller.violations);
    const many = (count: number, run: () => Promise<void>) => Array.from({ length: count }, run);
    await Promise.all([
      ...many(SUBMITTERS, () => this.#submitter.run(child)),
      ...many(CALLERS, () => this.#caller.run(child, unaryCall(client))),
      stream.run(client),
      ...many(STREAM_CALLERS, () => this.#caller.run(child, stream.call)),
    ]);
  }

  async #untilDead({ dead }: CrashChild): Promise<void> {
    if (!dead.aborted) await new Promise((resolve) => dead.addEventListener("abort", resolve));
  }

  async #untilFinished(client: MessagesClient): Promise<void> {
    const limit = AbortSignal.timeout(FINISH_LIMIT_MS);
    const later = this.#submitter.stories.filter(isForLater).map(({ request }) => request.requestId);
    for (;;) {
      limit.throwIfAborted();
      const waiting = await listSubmissions(client, WAITING);
      if (waiting.every(({ requestId }) => later.includes(requestId))) return;
    }
  }

  async #judge(child: CrashChild, client: MessagesClient): Promise<SendingOutcome> {
    const upstream = this.#upstream;
    const posts = upstream.posts();
    const counts = (messageId: string) => upstream.counts(messageId);
    const acceptedTo = (address: string) => upstream.acceptedTo(address);
    const { stories } = this.#submitter;
    const listed = await listSubmissions(client, []);
    return {
      violations: [
        ...this.#submitter.violations.found,
        ...this.#caller.violations.found,
        ...checkSubmissions({ stories, listed, posts, counts, acceptedTo }),
        ...checkSubmissionEvents(stories, await listSubmissionEvents(child)),
        ...checkCalls({ stories: this.#caller.stories, posts, counts, acceptedTo }),
      ],
      deaths: this.#deaths,
      submissions: new Map(
        [...Map.groupBy(listed, ({ state }) => state)].map(([state, { length }]) => [state, length]),
      ),
      calls: this.#caller.stories.length,
      requests: upstream.requests,
    };
  }
}
