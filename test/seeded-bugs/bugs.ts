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
  {
    name: "a submission is confirmed before it is stored",
    file: "src/outbox/create-outbox.ts",
    find: "await this.#parts.commits.put(record, undefined, submissionEvent(record, entry.face, undefined));",
    replace:
      "void this.#parts.commits.put(record, undefined, submissionEvent(record, entry.face, undefined)).catch(() => {});",
    test: "test/crash-outbox.test.ts",
  },
  {
    name: "a submission leaves before its SENDING is stored",
    file: "src/outbox/worker.ts",
    find: "    return stored;\n",
    replace: "    return Promise.resolve();\n",
    test: "test/crash-outbox.test.ts",
  },
  {
    name: "what a crash has left SENDING is sent again whatever its policy",
    file: "src/outbox/recovery.ts",
    find: "judgeUnknown(record, before, interrupted(), context())",
    replace: "judgeUnknown({ ...record, policy: 2 }, before, interrupted(), context())",
    test: "test/crash-outbox.test.ts",
  },
  {
    name: "a submission that may have been sent is taken for one that was not",
    file: "src/outbox/verdict.ts",
    find: "mayHaveLeft: true };",
    replace: "mayHaveLeft: false };",
    test: "test/outbox-states.test.ts",
  },
  {
    name: "a call with a request id is answered before its answer is stored",
    file: "src/messages/once-call.ts",
    find: "await this.#context.answers.save(requestId, { payloadHash, response: encoded });",
    replace:
      "void this.#context.answers.save(requestId, { payloadHash, response: encoded }).catch(() => {});",
    test: "test/crash-outbox.test.ts",
  },
  {
    name: "a request id stands for whatever contents come under it",
    file: "src/messages/once-call.ts",
    find: "return Buffer.compare(this.#request.payloadHash, payloadHash) === 0;",
    replace: "return payloadHash.length > 0;",
    test: "test/crash-outbox.test.ts",
  },
  {
    name: "a request that was written is repeated when no answer came",
    file: "src/infobip/sending/failure-kind.ts",
    find: "if (!isUnsent(error.metadata)) return false;",
    replace: "if (!isUnsent(error.metadata)) return true;",
    test: "test/send-queue-faults.test.ts",
  },
  {
    name: "a submission is sent again after an unknown outcome whatever its policy",
    file: "src/outbox/verdict.ts",
    find: "const isRepeated = record.policy === UnknownOutcomePolicy.AT_LEAST_ONCE;",
    replace: "const isRepeated = record.policy !== UnknownOutcomePolicy.UNSPECIFIED;",
    test: "test/crash-outbox.test.ts",
  },
  {
    name: "a call that ends after its request has left is told that nothing was sent",
    file: "src/infobip/sending/create-send-queue.ts",
    find: 'job.fail(stoppedError(job.job, "ANSWER", isLate));',
    replace: 'job.fail(stoppedError(job.job, "QUEUE", isLate));',
    test: "test/send-queue-cancel.test.ts",
  },
  {
    name: "the answers to a shared request go to its calls by their place",
    file: "src/infobip/sending/match-answers.ts",
    find: "return isInOrder(messages, jobs) ? cut(messages, jobs) :",
    replace: "return messages.length > 0 ? cut(messages, jobs) :",
    test: "test/send-match-answers.test.ts",
  },
  {
    name: "one call that Infobip refuses fails all that share its request",
    file: "src/infobip/sending/request-ends.ts",
    find: "} else if (request.isShared && isRefusedForContents(error)) {",
    replace: "} else if (request.jobs.length === 0 && isRefusedForContents(error)) {",
    test: "test/send-queue-faults.test.ts",
  },
  {
    name: "a 429 holds back only the call that met it",
    file: "src/infobip/sending/request-ends.ts",
    find: "    limiter.pauseUntil(untilMs);\n",
    replace: "",
    test: "test/send-queue-faults.test.ts",
  },
  {
    name: "the rate limits of channels are not looked at",
    file: "src/infobip/sending/rate-limiter.ts",
    find: "if (bucket) visit(bucket, destinations);",
    replace: "",
    test: "test/send-rate-limiter.test.ts",
  },
  {
    name: "a stream gives each result twice",
    file: "src/messages/stream-sends.ts",
    find: "    if (entry !== undefined) this.#hold(entry);\n",
    replace:
      "    if (entry !== undefined) this.#hold(entry);\n    if (entry !== undefined) this.#hold(entry);\n",
    test: "test/stream-messages-results.test.ts",
  },
];
