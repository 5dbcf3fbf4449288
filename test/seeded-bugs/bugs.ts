/** A mistake that could have been made, and the test that must notice. */
export interface SeededBug {
  /** What goes wrong. */
  readonly name: string;
  /** File of the source, where `find` occurs exactly once. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Test file that turns red. */
  readonly test: string;
}

const SUBSCRIPTIONS = "src/eventlog/embedded/subscriptions";

/** One in each part on which the guarantees rest. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  {
    name: "acknowledgements are confirmed before they are durable",
    file: `${SUBSCRIPTIONS}/commit-pipeline.ts`,
    find: "await this.#store.commit(context.changes);",
    replace: "(void this.#store.commit(context.changes).catch(() => {}), NOTHING);",
    test: "test/subscription-memory-contract.test.ts",
  },
  {
    name: "a broken connection counts no attempt",
    file: `${SUBSCRIPTIONS}/failed-delivery.ts`,
    find: "event.attempts++;",
    replace: 'if (this.#failure !== "CONNECTION_LOST") event.attempts++;',
    test: "test/crash-rounds.test.ts",
  },
  {
    name: "attempts are forgotten by a restart",
    file: `${SUBSCRIPTIONS}/unsettled-set.ts`,
    find: "event.attempts = reader.varint();",
    replace: "event.attempts = reader.varint() * 0;",
    test: "test/crash-rounds.test.ts",
  },
  {
    name: "events of one message are out at one time",
    file: `${SUBSCRIPTIONS}/event-key.ts`,
    find: "return record.columns.messageId || ID_KEY_PREFIX",
    replace: "return ID_KEY_PREFIX",
    test: "test/crash-rounds.test.ts",
  },
  {
    name: "progress is ahead of events that are not settled",
    file: `${SUBSCRIPTIONS}/ledger.ts`,
    find: "return first === undefined ? this.#position : first.sequence - 1;",
    replace: "return first === undefined ? this.#position : this.#position;",
    test: "test/crash-rounds.test.ts",
  },
  {
    name: "retention removes one event too many",
    file: "src/eventlog/embedded/writer.ts",
    find: "this.#remove.run(earliest, to);",
    replace: "this.#remove.run(earliest, to + 1);",
    test: "test/eventlog-embedded-retention.test.ts",
  },
  {
    name: "a repeated report is counted as an event of its own",
    file: "src/eventlog/embedded/event-inserter.ts",
    find: "if (changes === 0) return false;",
    replace: "",
    test: "test/eventlog-embedded-contract.test.ts",
  },
  {
    name: "of two equal statuses the second is superseded",
    file: "src/eventlog/supersession.ts",
    find: "const isStronger = known.rank > news.rank;",
    replace: "const isStronger = known.rank >= news.rank;",
    test: "test/supersession.test.ts",
  },
  {
    name: "a cursor stands for the event before",
    file: "src/eventlog/cursor.ts",
    find: "  return content.sequence;\n",
    replace: "  return Math.max(earliest, content.sequence - 1);\n",
    test: "test/crash-rounds.test.ts",
  },
  {
    name: "what comes between replay and live is left out",
    file: "src/events/watch-events.ts",
    find: "    yield* this.#passOn(read, Number.POSITIVE_INFINITY);",
    replace:
      "    this.#position = Math.max(this.#position, this.#log.bounds().head);\n    yield* this.#passOn(read, Number.POSITIVE_INFINITY);",
    test: "test/watch-stream.test.ts",
  },
  {
    name: "clicks on two URLs at one time are one click",
    file: "src/webhook/click.ts",
    find: 'click.url ?? ""',
    replace: '""',
    test: "test/webhook-clicks.test.ts",
  },
  {
    name: "signatures are those of one algorithm, whatever is configured",
    file: "src/webhook/hmac-check.ts",
    find: "createHmac(this.#scheme.algorithm,",
    replace: 'createHmac("sha256",',
    test: "test/webhook-security.test.ts",
  },
  {
    name: "a webhook is answered 200 before its events are durable",
    file: "src/webhook/receiver.ts",
    find: "return await Promise.race([this.#log.append(events), timeout]);",
    replace:
      "void Promise.race([this.#log.append(events), timeout]).catch(() => {});\n      return { appended: events.length, duplicates: 0 };",
    test: "test/crash-rounds.test.ts",
  },
  {
    name: "the next page is fetched before the last one is stored",
    file: "src/webhook/poller.ts",
    find: "const receipt = await this.#store(body);",
    replace:
      "const receipt = await Promise.race([this.#store(body), Promise.resolve({ items: 0, appended: 0 } as Receipt)]);",
    test: "test/pull-trouble.test.ts",
  },
  {
    name: "a stream writes on though its client does not read",
    file: "src/server/grpc-stream-writer.ts",
    find: "if (this.#buffered < MAX_BUFFERED_BYTES) return;",
    replace: "if (this.#buffered >= 0) return;",
    test: "test/stalled-subscribers.test.ts",
  },
];
