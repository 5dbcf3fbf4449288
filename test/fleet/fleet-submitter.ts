import { create, equals } from "@bufbuild/protobuf";
import {
  type Submission,
  SubmissionSchema,
  SubmitMessagesRequestSchema,
  type UnknownOutcomePolicy,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import type { MessagesClient } from "../crash/messages-client.ts";
import { messageTo, type SubmissionStory } from "../crash/submission-story.ts";
import { nameOf } from "../crash/submitter.ts";
import { Violations } from "../history/violation.ts";
import type { FleetClients } from "./fleet-clients.ts";

/** Submissions under way at a time. */
const LANES = 16;
/** Chances that a submission is made once more through the other gateway: later, and at the same time. */
const REPEATED = 0.2;
const RACED = 0.1;
const FIRST_ADDRESS = 385_910_000_000;

/** What submissions are made with. */
export interface FleetSubmitterParts {
  readonly messages: FleetClients<MessagesClient>;
  readonly gateways: readonly string[];
  readonly submissions: number;
  readonly policy: UnknownOutcomePolicy;
  readonly random: () => number;
  /** A submission was confirmed. */
  readonly onConfirmed: () => void;
}

/** Callers that submit through all gateways in turn, and again through another one, with the same request ids. */
export class FleetSubmitter {
  readonly stories: SubmissionStory[] = [];
  readonly violations = new Violations();
  readonly #parts: FleetSubmitterParts;

  constructor(parts: FleetSubmitterParts) {
    this.#parts = parts;
  }

  /** Resolves when all submissions are confirmed. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: LANES }, () => this.#lane(signal)));
  }

  /** Looks at every submission through every gateway; they must tell the same. */
  async lookAtAll(signal: AbortSignal): Promise<void> {
    const queue = this.stories.values();
    const lane = async (): Promise<void> => {
      for (const story of queue) await this.#look(story, signal);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  async #lane(signal: AbortSignal): Promise<void> {
    const { random, submissions, gateways } = this.#parts;
    while (this.stories.length < submissions) {
      const story = this.#tell();
      const here = random() < 0.5 ? gateways : gateways.toReversed();
      const there = here.toReversed();
      const chance = random();
      const [first, raced] = await Promise.all([
        this.#submit(story, here, signal),
        chance < RACED ? this.#submit(story, there, signal) : undefined,
      ]);
      this.#mustBeSame(story, first, raced);
      if (chance < RACED + REPEATED) this.#mustBeSame(story, first, await this.#submit(story, there, signal));
      story.isConfirmed = true;
      this.#parts.onConfirmed();
    }
  }

  #tell(): SubmissionStory {
    const { random, policy } = this.#parts;
    const number = this.stories.length;
    const count = 1 + Math.floor(random() * 2);
    const addresses = Array.from({ length: count }, (_, index) =>
      String(FIRST_ADDRESS + number * 10 + index),
    );
    const story: SubmissionStory = {
      request: create(SubmitMessagesRequestSchema, {
        requestId: `submission-${number}`,
        messages: [messageTo(addresses, `submission ${number}`)],
        unknownOutcomePolicy: policy,
      }),
      addresses,
      sendAfterMs: 0,
      expireAfterMs: 0,
      isConfirmed: false,
      isRefused: false,
      isCancelled: false,
      seen: undefined,
    };
    this.stories.push(story);
    return story;
  }

  async #submit(
    { request }: SubmissionStory,
    gateways: readonly string[],
    signal: AbortSignal,
  ): Promise<Submission | undefined> {
    const { submission } = await this.#parts.messages.call(gateways, signal, ({ messages }, options) =>
      messages.submitMessages(request, options),
    );
    return submission;
  }

  /** Both answers must be about one submission. */
  #mustBeSame(
    { request }: SubmissionStory,
    first: Submission | undefined,
    again: Submission | undefined,
  ): void {
    if (first === undefined || again === undefined) return;
    const isSame =
      first.messageIds.join() === again.messageIds.join() &&
      first.createTime?.seconds === again.createTime?.seconds &&
      first.createTime?.nanos === again.createTime?.nanos;
    if (!isSame) this.violations.add("repeat", `${request.requestId} is two submissions`);
  }

  async #look(story: SubmissionStory, signal: AbortSignal): Promise<void> {
    const { gateways } = this.#parts;
    const views = await Promise.all(
      gateways.map((gateway) =>
        this.#parts.messages.call([gateway], signal, async ({ messages }, options) => {
          const { submission } = await messages.getSubmission({ name: nameOf(story) }, options);
          return submission;
        }),
      ),
    );
    const [first, ...others] = views;
    story.seen = first;
    const isSame = (other: Submission | undefined) =>
      first !== undefined && other !== undefined && equals(SubmissionSchema, first, other);
    if (!others.every(isSame))
      this.violations.add("view", `the gateways tell different things of ${nameOf(story)}`);
  }
}
