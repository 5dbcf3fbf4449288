import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { SubscriptionStore } from "../src/eventlog/embedded/subscription-store.ts";
import { openJetStreamAnswers } from "../src/eventlog/jetstream/answers/jetstream-answers.ts";
import { storeSubject } from "../src/eventlog/jetstream/store-layouts.ts";
import { openFencedSubmissions } from "../src/eventlog/jetstream/submissions/open-fenced-submissions.ts";
import { openStreamAccess } from "../src/eventlog/jetstream/submissions/open-stream-access.ts";
import { openFencedSubscription } from "../src/eventlog/jetstream/subscriptions/open-fenced-subscription.ts";
import type { SubmissionStore } from "../src/eventlog/submission-store.ts";
import { createValues } from "../src/nats/stream-values.ts";
import { streamState } from "../src/nats/streams.ts";
import { systemTimer } from "../src/timer.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { type LogProcess, startLogProcess } from "./fixtures/jetstream-rig.ts";
import { type LogRig, startLogRig } from "./log-file-rig.ts";
import { inPieces } from "./log-import-rig.ts";
import { fillLog } from "./log-transfer-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { MANY, plainRecord } from "./submission-samples.ts";

let server: NatsServer;
let rig: LogRig;
let prefix: string;
let target: LogProcess;
let folder: string;

async function exported(): Promise<Buffer> {
  await rig.close();
  const { stdoutBytes } = await cli(["log", "export", "--format", "transfer", "--data-dir", rig.directory]);
  return stdoutBytes;
}

const SETTINGS = [
  ...["--nats-replicas", "1", "--nats-dedupe-window", "10m"],
  ...["--eventlog-retention-age", "1h", "--eventlog-retention-bytes", "256MiB"],
  // Servers reserve what streams may take.
  ...["--nats-subscriptions-bytes", "16MiB", "--sending-request-id-bytes", "16MiB"],
  ...["--submissions-max-bytes", "16MiB", "--submissions-max-waiting", "1000"],
];

function imports(file: Buffer, flags: readonly string[] = [], signal?: AbortSignal) {
  const place = ["--eventlog-url", server.url, "--nats-prefix", prefix];
  const stdin = inPieces(file, 999);
  return cli(["log", "import", ...place, ...SETTINGS, ...flags], { stdin, ...(signal && { signal }) });
}

function values(store: "answers" | "subscriptions") {
  const { link, publisher } = target;
  const stream = `${prefix}_${store.toUpperCase()}`;
  return createValues({ link, publisher, stream, subject: storeSubject(prefix, store) });
}

/** What is stored about a subscription, raw bodies included. */
async function subscriptionIn(store: SubscriptionStore, id: string): Promise<unknown> {
  const letters = await store.deadLetters(id, 0, { limit: MANY, maxBytes: MANY, includeRaw: true });
  const plain = letters.map(({ record, ...letter }) => ({
    ...letter,
    record: { ...record, encoded: Buffer.from(record.encoded).toString("latin1") },
  }));
  const stored = store.load().find((one) => one.id === id);
  return { stored: stored && { ...stored, state: Buffer.from(stored.state).toString("hex") }, plain };
}

/** What is stored of submissions. */
async function submissionsIn(store: SubmissionStore): Promise<unknown> {
  const { records } = await store.list({ before: MANY, states: [], limit: MANY, maxExamined: MANY });
  const whole = await Promise.all(records.map(({ id }) => store.get(id)));
  return { counts: await store.counts(), records: whole.map(plainRecord) };
}

function openSubmissions() {
  const { link, publisher } = target;
  return openFencedSubmissions({
    publisher,
    stream: openStreamAccess({ link, stream: `${prefix}_OUTBOX`, timer: systemTimer }),
    root: storeSubject(prefix, "outbox"),
    maxPayload: link.maxPayload,
    log: { append: () => Promise.reject(new Error("an import has left an event to be told")) },
    instanceId: "test",
    directory: folder,
    timer: systemTimer,
  });
}

describeNats("log import", () => {
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    rig = await startLogRig();
    prefix = uniquePrefix();
    target = await startLogProcess(server.url, prefix);
    folder = await mkdtemp(join(tmpdir(), "infobip-rpc-import-"));
  });
  afterEach(async () => {
    await target[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test("moves everything, and tells what has come over", async () => {
    await fillLog(rig);
    const { exitCode, stdout, stderr } = await imports(await exported());
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "imported 6 events, 2 subscriptions, 2 dead letters, 2 submissions, 2 answers",
      "2 of the answers were left out: their time has passed",
      `log ${rig.log.id}, 2 to 8: cursors, page tokens and positions of subscriptions stay good`,
      "ages for retention and request ids count from here",
      "",
    ]);
    const log = await target.open();
    expect({ id: log.id, bounds: log.bounds() }).toEqual({
      id: rig.log.id,
      bounds: { earliest: 2, head: 8 },
    });
  });

  test("subscriptions and dead letters are what they were, also those whose event is gone", async () => {
    await fillLog(rig);
    const ids = ["audit", "orders"];
    const before = await Promise.all(ids.map((id) => subscriptionIn(rig.log.subscriptions, id)));
    await imports(await exported());
    const log = await target.open();
    const after: unknown[] = [];
    for (const id of ids) {
      await using open = await openFencedSubscription(id, {
        values: values("subscriptions"),
        log,
        instanceId: "test",
      });
      after.push(await subscriptionIn(open.store, id));
    }
    expect(after).toEqual(before);
  });

  test("submissions are what they were, and no number is given twice", async () => {
    await fillLog(rig);
    const before = await submissionsIn(rig.log.submissions);
    await imports(await exported());
    await using open = await openSubmissions();
    expect(await submissionsIn(open.store)).toEqual(before);
    expect((await open.store.counts()).lastNumber).toBe(3);
  });

  test("answers are kept, but for those whose time has passed", async () => {
    const answer = { payloadHash: Buffer.alloc(32, 7), response: Buffer.from("response") };
    await rig.log.answers.save("old", answer);
    await rig.close();
    const reopened = await openEmbeddedLog({ directory: rig.directory });
    await reopened.answers.save("new", answer);
    await reopened[Symbol.asyncDispose]();
    const { stdout } = await imports(await exported(), ["--sending-request-id-window", "1h", "--json"]);
    expect(jsonLines(stdout)).toMatchObject([{ answers: 2, answers_expired: 1 }]);
    await using answers = await openJetStreamAnswers({
      values: values("answers"),
      state: () => streamState(target.link, `${prefix}_ANSWERS`),
      limits: { windowMs: 3_600_000, maxBytes: 1 << 28 },
      timer: systemTimer,
    });
    expect(await answers.find("old")).toBeUndefined();
    const found = await answers.find("new");
    expect(Buffer.from(found?.payloadHash ?? []).equals(answer.payloadHash)).toBe(true);
    expect(Buffer.from(found?.response ?? []).toString()).toBe("response");
  });

  test("with --json tells one line; the second import does nothing", async () => {
    await fillLog(rig);
    const file = await exported();
    const counts = { events: 6, subscriptions: 2, dead_letters: 2, submissions: 2, answers: 2 };
    const common = { event: "imported", complete: true, cursors_kept: true, log_id: rig.log.id, ...counts };
    const first = await imports(file, ["--json"]);
    expect(jsonLines(first.stdout)).toEqual([
      {
        ...{ ...common, earliest: 2, head: 8, already_there: false },
        ...{ events_imported: 6, events_there_before: 0, answers_expired: 2 },
      },
    ]);
    const second = await imports(file, ["--json"]);
    expect(second.exitCode).toBe(0);
    expect(jsonLines(second.stdout)).toMatchObject([
      { ...common, already_there: true, events_imported: 0, events_there_before: 6 },
    ]);
    expect((await imports(file)).stdout).toContain("nothing was done");
  });

  test("what is left by an import that was cut off is replaced by the whole", async () => {
    await fillLog(rig);
    const before = await submissionsIn(rig.log.submissions);
    const file = await exported();
    const cut = await imports(file.subarray(0, file.length - 60));
    expect(cut).toMatchObject({ exitCode: 1, stdout: "" });
    expect(cut.stderr).toMatch(/TRANSFER_CUT_OFF.*cut off after/);
    await expect(target.open()).rejects.toMatchObject({ reason: "EVENT_STREAM_IMPORTING" });
    const { exitCode, stdout } = await imports(file);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("6 events were there from an earlier run");
    await using open = await openSubmissions();
    expect(await submissionsIn(open.store)).toEqual(before);
  });

  test("what cannot work is told with its reason, exit code and advice, and no secret", async () => {
    await fillLog(rig);
    const file = await exported();
    const failures: [Awaited<ReturnType<typeof cli>>, number, RegExp][] = [
      [await imports(Buffer.from("{}\n".repeat(20))), 1, /TRANSFER_NOT_A_TRANSFER.*--format transfer/],
      [await imports(file, ["--eventlog-url", ""]), 2, /--eventlog-url: name the NATS servers/],
      [await imports(file, ["--nats-replicas", "4"]), 2, /nats\.replicas/],
      [
        await imports(file, ["--eventlog-url", "nats://127.0.0.1:1", "--nats-connect-timeout", "200ms"]),
        4,
        /NATS_UNREACHABLE.*check the addresses/,
      ],
    ];
    for (const [{ exitCode, stdout, stderr }, code, text] of failures) {
      expect(stderr).toMatch(text);
      expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
    }
    await imports(file);
    const other = await imports(file, ["--submissions-max-bytes", "17MiB"]);
    expect(other).toMatchObject({ exitCode: 2 });
    expect(other.stderr).toMatch(/STREAM_MISMATCH.*max_bytes/);
  });

  test("a signal stops it, and the next run goes on", async () => {
    await fillLog(rig);
    const file = await exported();
    const stopped = await imports(file, ["--json"], AbortSignal.abort());
    expect(stopped).toMatchObject({ exitCode: 1, stderr: "" });
    expect(jsonLines(stopped.stdout)).toMatchObject([{ complete: false, cursors_kept: false }]);
    const again = await imports(file, ["--json"]);
    expect(jsonLines(again.stdout)).toMatchObject([{ complete: true, events: 6 }]);
  });
});
