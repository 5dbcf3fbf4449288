import { fromBinary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import type { MemorySubmissionStore } from "./fixtures/memory-submission-store.ts";
import { changeOf, type HandedOver } from "./outbox-harness.ts";

const { SENDING, REJECTED, CANCELLED, EXPIRED } = SubmissionState;

/** What must hold over the life of several outboxes on one store. */
export class OutboxWatcher {
  /** Submissions of which a request was or may have been taken by the upstream. */
  readonly #taken = new Set<string>();
  readonly #ids = new Map<string, readonly string[]>();
  readonly #done = new Map<string, SubmissionState>();
  readonly confirmed = new Set<string>();
  readonly policies = new Map<string, UnknownOutcomePolicy>();

  /** A request leaves: never one of a submission that is done, and never one that may have been taken AT_MOST_ONCE. */
  leaves(handed: HandedOver, others: readonly HandedOver[]): void {
    const name = nameOf(handed);
    expect(this.#done.get(name), `${name} is done`).toBeUndefined();
    expect(others.map(nameOf), `${name} is under way already`).not.toContain(name);
    if (this.policies.get(name) === UnknownOutcomePolicy.AT_MOST_ONCE) {
      expect(this.#taken, `${name} may have been sent`).not.toContain(name);
    }
    expect(handed.messageIds).toEqual(this.#ids.get(name) ?? handed.messageIds);
    this.#ids.set(name, handed.messageIds);
  }

  /** What became of a request that had left. */
  ended(handed: HandedOver, how: "taken" | "not taken" | "never taken"): void {
    if (how === "taken") this.#taken.add(nameOf(handed));
    else if (how === "never taken") this.#taken.delete(nameOf(handed));
  }

  check(store: MemorySubmissionStore): void {
    const byId = new Map(store.records.map((record) => [record.id, record]));
    expect(byId.size, "an id is stored twice").toBe(store.records.length);
    for (const submission of this.confirmed) expect(byId.has(submission), `${submission} is lost`).toBe(true);
    for (const [submission, { state }] of byId) {
      const known = this.#done.get(submission);
      if (known !== undefined) expect(state, `${submission} was done`).toBe(known);
      if (state > SENDING) this.#done.set(submission, state);
      if (state === REJECTED || state === CANCELLED || state === EXPIRED) {
        expect(this.#taken, `${submission} may have been sent`).not.toContain(submission);
      }
    }
    this.#checkEvents(store);
  }

  /** Each change once, in order, and the last one is where the record stands. */
  #checkEvents(store: MemorySubmissionStore): void {
    const changes = new Map<string, string[]>();
    const seen = new Set<string>();
    for (const { columns, fingerprint, encoded } of store.events) {
      const key = `${columns.messageId} ${Buffer.from(fingerprint).toString("hex")}`;
      // As the log does.
      if (seen.has(key)) continue;
      seen.add(key);
      const [name = "", ...change] = changeOf(fromBinary(EventSchema, encoded)).split(" ");
      changes.set(name, [...(changes.get(name) ?? []), change.join(" ")]);
    }
    for (const { id: name, state, attempts } of store.records) {
      const told = changes.get(name) ?? [];
      expect(told[0]).toBe("QUEUED 0");
      expect(told).toContain(`${SubmissionState[state]} ${attempts}`);
      const ends = told.filter((change) => !/^(QUEUED|SENDING) /.test(change));
      expect(ends).toEqual(state > SENDING ? [`${SubmissionState[state]} ${attempts}`] : []);
      expect(told).toEqual([...new Set(told)]);
    }
  }
}

function nameOf({ messageIds: [messageId = ""] }: HandedOver): string {
  return messageId.slice(0, -2);
}
