import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import {
  CancelSubmissionRequestSchema,
  GetSubmissionRequestSchema,
  ListSubmissionsRequestSchema,
  SubmissionState,
  SubmitMessagesRequestSchema,
} from "../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../src/errors.ts";
import type { Fenced } from "../src/eventlog/fenced.ts";
import type { SubmissionStore } from "../src/eventlog/submission-store.ts";
import { createRoutedSubmissionMethods, OUTBOX_UNIT } from "../src/messages/routed-submission-methods.ts";
import { createOutbox } from "../src/outbox/create-outbox.ts";
import type { SendSubmission } from "../src/outbox/outbox.ts";
import { openOutboxUnit } from "../src/service-outbox-unit.ts";
import { systemTimer } from "../src/timer.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { openNode } from "./fixtures/fleet-rig.ts";
import { MemorySubmissionStore } from "./fixtures/memory-submission-store.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { LIMITS } from "./outbox-harness.ts";

describeNats("the outbox of several processes", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function open(prefix: string, shared: SharedOutbox) {
    const node = await openNode({
      url: server.url,
      prefix,
      kinds: {
        outbox: () =>
          openOutboxUnit({
            fenced: shared.open(),
            openOutbox: (store) =>
              createOutbox({
                store,
                send: shared.send,
                now: Date.now,
                timer: systemTimer,
                random: Math.random,
                limits: LIMITS,
              }),
            defaults: { senders: new Map(), webhookUrls: undefined },
            now: Date.now,
            drainMs: 1_000,
          }),
      },
    });
    node.fleet.keep(OUTBOX_UNIT);
    return {
      ...node,
      methods: createRoutedSubmissionMethods(node.fleet),
      [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
    };
  }

  type Member = Awaited<ReturnType<typeof open>>;

  const submit = ({ methods }: Member, requestId: string, delayMs = 0) =>
    methods.submitMessages(requestOf(requestId, delayMs), plainCall());

  test("each submission is sent once, whichever process it comes to, also when the owner drains meanwhile", async () => {
    const shared = new SharedOutbox();
    const prefix = uniquePrefix();
    await using a = await open(prefix, shared);
    await vi.waitFor(() => expect(a.fleet.state().owned.get("outbox")).toBe(1));
    await using b = await open(prefix, shared);
    const ids = Array.from({ length: 60 }, (_, n) => `request-${n}`);
    const submitted = ids.map(async (id, n) => {
      if (n === 30) void a.fleet.drain();
      const first = submit(n % 2 === 0 ? b : a, id);
      // A process that drains may refuse what comes to it; its callers go to another one.
      const again = (error: unknown) =>
        n % 2 === 0 || !isDraining(error) ? Promise.reject(error) : submit(b, id);
      return (await first.catch(again)).submission?.name;
    });
    expect(await Promise.all(submitted)).toEqual(ids.map((id) => `submissions/${id}`));
    await vi.waitFor(() => expect(shared.sent.length).toBe(60), 5_000);
    expect(new Set(shared.sent).size).toBe(60);
    await vi.waitFor(() => expect(b.fleet.state().owned.get("outbox")).toBe(1));
    expect(a.fleet.state().owned.size).toBe(0);
  });

  test("a submission is found, listed and cancelled from every process", async () => {
    const shared = new SharedOutbox();
    const prefix = uniquePrefix();
    await using a = await open(prefix, shared);
    await using b = await open(prefix, shared);
    await submit(a, "later", 3_600_000);
    await submit(b, "later", 3_600_000).catch(() => {});
    const name = "submissions/later";
    const found = await b.methods.getSubmission(create(GetSubmissionRequestSchema, { name }), plainCall());
    expect(found.submission).toMatchObject({ name, state: SubmissionState.QUEUED });
    const cancelled = await a.methods.cancelSubmission(
      create(CancelSubmissionRequestSchema, { name }),
      plainCall(),
    );
    expect(cancelled.submission?.state).toBe(SubmissionState.CANCELLED);
    const listed = await b.methods.listSubmissions(create(ListSubmissionsRequestSchema), plainCall());
    expect(listed.submissions.map((submission) => submission.name)).toEqual([name]);
    const unknown = b.methods.getSubmission(
      create(GetSubmissionRequestSchema, { name: "submissions/no" }),
      plainCall(),
    );
    await expect(unknown).rejects.toMatchObject({ reason: "SUBMISSION_UNKNOWN" });
    expect(shared.sent).toEqual([]);
  });
});

/** A store that several processes of a test share: whoever opens it fences the one before. */
class SharedOutbox {
  readonly #store = new MemorySubmissionStore();
  #holder = new AbortController();
  /** Message ids that have left. */
  readonly sent: string[] = [];

  readonly send: SendSubmission = async (request, options) => {
    await options.beforeSend();
    const messageIds = request.messages.flatMap(({ kind }) =>
      (kind.value?.destinations ?? []).map((destination) => destination.kind.value?.messageId ?? ""),
    );
    this.sent.push(...messageIds);
    const results = messageIds.map((messageId, messageIndex) => ({ messageIndex, messageId, outcome: 1 }));
    return { results, bulkId: "bulk" } as never;
  };

  open(): Fenced<SubmissionStore> & AsyncDisposable {
    this.#holder.abort(new Error("another process has opened it"));
    const holder = new AbortController();
    this.#holder = holder;
    const store = this.#store;
    const fenced = new Proxy(store, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (key === "commit" && holder.signal.aborted)
          return () => Promise.reject(holder.signal.reason as ServiceError);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return { store: fenced, fenced: holder.signal, [Symbol.asyncDispose]: async () => {} };
  }
}

function isDraining(error: unknown): boolean {
  return error instanceof ServiceError && error.reason === "DRAINING";
}

function requestOf(requestId: string, delayMs: number) {
  return create(SubmitMessagesRequestSchema, {
    requestId,
    ...(delayMs === 0
      ? {}
      : { sendAfter: { seconds: BigInt(Math.floor((Date.now() + delayMs) / 1_000)), nanos: 0 } }),
    messages: [
      {
        kind: {
          case: "message",
          value: {
            channel: Channel.SMS,
            sender: "InfoSMS",
            destinations: [{ kind: { case: "toDestination", value: { to: "38599" } } }],
            content: { body: { type: { case: "text", value: { text: "hello" } } } },
          },
        },
      },
    ],
  });
}
