import { equals } from "@bufbuild/protobuf";
import { type Event, EventSchema, EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { SubmissionState, type UnknownOutcomePolicy } from "../../gen/infobip/messages/v1/submission_pb.js";
import { seededRandom } from "../../src/simulator/seeded-random.ts";
import { checkSubmissionEvents } from "../crash/check-submission-events.ts";
import { checkSubmissions } from "../crash/check-submissions.ts";
import { connectEvents, type EventsClient } from "../crash/events-client.ts";
import { connectMessages, type MessagesClient } from "../crash/messages-client.ts";
import { listSubmissions } from "../crash/sending-lists.ts";
import { Turnstile } from "../crash/turnstile.ts";
import { type Violation, Violations } from "../history/violation.ts";
import { ClientPause } from "./client-pause.ts";
import { FleetClients } from "./fleet-clients.ts";
import { FleetMembers, type FleetPlan } from "./fleet-members.ts";
import { FleetSubmitter } from "./fleet-submitter.ts";
import { FleetUpstream } from "./fleet-upstream.ts";
import { JointWork } from "./joint-work.ts";

const WAITING = [SubmissionState.QUEUED, SubmissionState.SENDING];

/** What is done with a fleet. */
export interface SubmissionsRunPlan extends Omit<FleetPlan, "upstream"> {
  readonly gateways: readonly string[];
  readonly submissions: number;
  readonly policy: UnknownOutcomePolicy;
  readonly seed: number;
}

/** What is left when everything has happened. */
export interface SubmissionsOutcome {
  readonly violations: readonly Violation[];
  readonly states: ReadonlyMap<SubmissionState, number>;
  /** Message ids that reached Infobip more than once. */
  readonly repeatedIds: readonly string[];
  readonly events: number;
  readonly crashes: number;
}

/** A fleet whose callers submit through every gateway. */
export class SubmissionsRun implements AsyncDisposable {
  readonly fleet: FleetMembers;
  readonly upstream: FleetUpstream;
  readonly #plan: SubmissionsRunPlan;
  readonly #turnstile = new Turnstile();
  readonly #messages: FleetClients<MessagesClient>;
  readonly #events: FleetClients<EventsClient>;
  readonly #submitter: FleetSubmitter;
  #confirmed = 0;

  private constructor(plan: SubmissionsRunPlan, fleet: FleetMembers, upstream: FleetUpstream) {
    this.#plan = plan;
    this.fleet = fleet;
    this.#messages = new FleetClients(fleet, connectMessages);
    this.#events = new FleetClients(fleet, connectEvents);
    this.upstream = upstream;
    const { gateways, submissions, policy, seed } = plan;
    this.#submitter = new FleetSubmitter({
      messages: this.#messages,
      gateways,
      submissions,
      policy,
      random: seededRandom(seed),
      onConfirmed: () => this.#onConfirmed(),
    });
  }

  static async start(plan: SubmissionsRunPlan): Promise<SubmissionsRun> {
    await using starting = new AsyncDisposableStack();
    const upstream = starting.use(await FleetUpstream.start());
    const fleet = starting.use(await FleetMembers.start({ ...plan, upstream: upstream.baseUrl }));
    starting.move();
    return new SubmissionsRun(plan, fleet, upstream);
  }

  /** Share of the submissions that are confirmed, from 0 to 1. */
  get progress(): number {
    return this.#confirmed / this.#plan.submissions;
  }

  /** Resolves when a share of the submissions is confirmed. */
  async untilConfirmed(share: number, signal: AbortSignal): Promise<void> {
    await this.#turnstile.until(() => this.progress >= share, signal);
    signal.throwIfAborted();
  }

  /** Resolves when every submission is done, and checks everything that was seen. `disturb` runs meanwhile; its signal aborts when something has failed. */
  async run(
    disturb: (signal: AbortSignal) => Promise<void>,
    limit: AbortSignal,
  ): Promise<SubmissionsOutcome> {
    const work = new JointWork(limit);
    const { signal } = work;
    await Promise.all([work.add(this.#submitter.run(signal)), work.add(disturb(signal))]);
    await this.#untilDone(limit);
    await this.#submitter.lookAtAll(limit);
    return await this.#judge(limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#messages[Symbol.dispose]();
    this.#events[Symbol.dispose]();
    await this.fleet[Symbol.asyncDispose]();
    await this.upstream[Symbol.asyncDispose]();
  }

  #onConfirmed(): void {
    this.#confirmed++;
    this.upstream.look();
    this.#turnstile.changed();
  }

  async #untilDone(signal: AbortSignal): Promise<void> {
    const { gateways } = this.#plan;
    const pause = new ClientPause();
    const list = () => this.#messages.call(gateways, signal, (client) => listSubmissions(client, WAITING));
    while ((await list()).length > 0) await pause.wait(signal);
  }

  async #judge(signal: AbortSignal): Promise<SubmissionsOutcome> {
    const { gateways } = this.#plan;
    const { upstream } = this;
    const { stories } = this.#submitter;
    const posts = upstream.posts();
    const listed = await this.#messages.call(gateways, signal, (client) => listSubmissions(client, []));
    const logs = await Promise.all(gateways.map((name) => this.#listEvents(name, signal)));
    return {
      violations: [
        ...this.#submitter.violations.found,
        ...checkSubmissions({
          stories,
          listed,
          posts,
          counts: (messageId) => upstream.counts(messageId),
          acceptedTo: (address) => upstream.acceptedTo(address),
        }),
        ...logs.flatMap((events) => checkSubmissionEvents(stories, events)),
        ...differences(logs),
      ],
      states: new Map(
        [...Map.groupBy(listed, ({ state }) => state)].map(([state, all]) => [state, all.length]),
      ),
      repeatedIds: [...Map.groupBy(posts, ({ messageId }) => messageId)]
        .filter(([, all]) => all.length > 1)
        .map(([messageId]) => messageId),
      events: logs[0]?.length ?? 0,
      crashes: this.fleet.crashes,
    };
  }

  /** All events of submissions that a gateway lists, in their order. */
  async #listEvents(gateway: string, signal: AbortSignal): Promise<Event[]> {
    const all: Event[] = [];
    let pageToken = "";
    do {
      const request = { pageToken, pageSize: 1_000, filter: { types: [EventType.SUBMISSION] } };
      const page = await this.#events.call([gateway], signal, ({ events }, options) =>
        events.listEvents(request, options),
      );
      all.push(...page.events);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return all;
  }
}

function differences([first = [], ...others]: readonly Event[][]): readonly Violation[] {
  const violations = new Violations();
  for (const other of others) {
    const at = first.findIndex((event, index) => {
      const twin = other[index];
      return twin === undefined || !equals(EventSchema, event, twin);
    });
    if (at !== -1 || first.length !== other.length)
      violations.add("replicas", `the gateways' events of submissions differ from number ${at + 1} on`);
  }
  return violations.found;
}
