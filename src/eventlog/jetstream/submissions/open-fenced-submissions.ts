import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { logUnavailable } from "../../../nats/nats-errors.ts";
import { PublishConflict, type Publisher } from "../../../nats/publisher.ts";
import type { Timer } from "../../../timer.ts";
import type { EmbeddedEventLog } from "../../embedded/embedded-log.ts";
import { openEmbeddedLog } from "../../embedded/open-embedded-log.ts";
import type { EventLog } from "../../event-log.ts";
import type { Fenced } from "../../fenced.ts";
import type { SubmissionStore } from "../../submission-store.ts";
import { orUnavailable } from "../store-errors.ts";
import { FencedSubmissions } from "./fenced-submissions.ts";
import { FencedWriter } from "./fenced-writer.ts";
import { type LoadedSubmissions, loadSubmissions } from "./load-submissions.ts";
import { lastNumberOf, type OutboxSubjects, outboxSubjects } from "./outbox-subjects.ts";
import type { StreamAccess } from "./stream-access.ts";
import { decodeEpoch, encodeEpoch } from "./submission-message.ts";
import { messageSizes, sequencesOf } from "./submission-plan.ts";

/** Tries to publish an epoch while somebody else publishes theirs. */
const MAX_EPOCH_ATTEMPTS = 10;
/** Parts without a record that are looked for when the store is opened. */
const MAX_PARTS = 100_000;
/** Events that are appended to the log at once when the store is opened. */
const MAX_EVENTS = 500;
const WRITER_ID_BYTES = 12;
/** Begin of the names of folders that hold copies. */
const COPY_PREFIX = "outbox-";

/** What {@link openFencedSubmissions} works with. */
export interface FencedSubmissionsParts {
  readonly publisher: Publisher;
  readonly stream: StreamAccess;
  /** Begin of the stream's subjects, such as `infobip_rpc.outbox`. */
  readonly root: string;
  /** Most bytes of one message. */
  readonly maxPayload: number;
  /** Takes the events of the commits. */
  readonly log: Pick<EventLog, "append">;
  readonly instanceId: string;
  /** Folder of this process only, for the local copy; whatever a killed process has left in it is the caller's to remove. */
  readonly directory: string;
  readonly timer: Timer;
  /** Tells this opening of the store from all others; ASCII, without spaces. Default: 96 random bits. */
  readonly newWriterId?: () => string;
}

/** The store of submissions in a stream, held by this process until another one opens it. */
export type OpenSubmissions = Fenced<SubmissionStore> & AsyncDisposable;

/**
 * Takes the store of submissions over: whoever held it can store nothing from
 * here on. Reads what is stored into a local copy, and brings events into the
 * log that a crash has kept from it. Rejects with ServiceError LOG_UNAVAILABLE,
 * or EventLogOpenError when the folder cannot be used.
 */
export async function openFencedSubmissions(parts: FencedSubmissionsParts): Promise<OpenSubmissions> {
  await mkdir(parts.directory, { recursive: true });
  const directory = await mkdtemp(join(parts.directory, COPY_PREFIX));
  let copy: EmbeddedEventLog | undefined;
  try {
    copy = await openEmbeddedLog({ directory, isScratch: true });
    return await open(parts, copy, directory);
  } catch (error) {
    await closeCopy(copy, directory);
    throw error;
  }
}

async function open(
  parts: FencedSubmissionsParts,
  copy: EmbeddedEventLog,
  directory: string,
): Promise<OpenSubmissions> {
  const { publisher, stream, log, timer, instanceId } = parts;
  const subjects = outboxSubjects(parts.root);
  const idPrefix = (parts.newWriterId ?? newWriterId)();
  const writerId = `${instanceId}.${idPrefix}`;
  const { sequence, ...before } = await orUnavailable(takeOver(parts, subjects, writerId));
  const loaded = await orUnavailable(
    loadSubmissions({ stream, subjects, copy: copy.submissions, ...before }),
  );
  const fence = new AbortController();
  const writer = new FencedWriter({
    publisher,
    stream,
    epochSubject: subjects.epoch,
    writer: writerId,
    idPrefix,
    last: sequence,
    fence,
  });
  await appendMissing(log, loaded);
  const store = new FencedSubmissions({
    writer,
    stream,
    subjects,
    sizes: messageSizes(parts.maxPayload),
    log,
    copy: copy.submissions,
    refs: loaded.refs,
    lastNumber: loaded.lastNumber,
    isMarked: loaded.events.length === 0,
    encodeEpoch: (epoch) => encodeEpoch({ writer: writerId, ...epoch }),
    timer,
  });
  // What it leaves is found the next time.
  await removeUnused(stream, subjects, loaded).catch(() => {});
  return {
    store,
    fenced: fence.signal,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await closeCopy(copy, directory);
    },
  };
}

function newWriterId(): string {
  return randomBytes(WRITER_ID_BYTES).toString("base64url");
}

/** Publishes an epoch: from its sequence on the stream is written by nobody else. */
async function takeOver(
  { publisher, stream }: FencedSubmissionsParts,
  subjects: OutboxSubjects,
  writer: string,
): Promise<{ sequence: number; appendedTo: number; lastNumber: number }> {
  for (let attempt = 0; attempt < MAX_EPOCH_ATTEMPTS; attempt++) {
    const message = await stream.lastOf(subjects.epoch);
    const { appendedTo, lastNumber } =
      message === undefined ? { appendedTo: 0, lastNumber: 0 } : decodeEpoch(message.data);
    const epoch = encodeEpoch({ writer, appendedTo, lastNumber, storedTo: 0 });
    try {
      const expectedLastOfSubject = message?.sequence ?? 0;
      const { sequence } = await publisher.publish(subjects.epoch, epoch, { expectedLastOfSubject });
      return { sequence, appendedTo, lastNumber };
    } catch (error) {
      if (!(error instanceof PublishConflict)) throw error;
    }
  }
  throw logUnavailable(new Error("several processes take the outbox over at once"));
}

/** The log drops those that it has. */
async function appendMissing(log: Pick<EventLog, "append">, { events }: LoadedSubmissions): Promise<void> {
  for (let at = 0; at < events.length; at += MAX_EVENTS) await log.append(events.slice(at, at + MAX_EVENTS));
}

/** Removes parts that no record refers to: left by commits that were interrupted. */
async function removeUnused(
  stream: StreamAccess,
  subjects: OutboxSubjects,
  { refs }: LoadedSubmissions,
): Promise<void> {
  const used = new Set(Array.from(refs.values(), sequencesOf).flat());
  for (const subject of await stream.subjects(subjects.allParts, MAX_PARTS)) {
    const sequence = lastNumberOf(subject);
    if (!used.has(sequence)) await stream.deleteAt(sequence);
  }
}

async function closeCopy(copy: EmbeddedEventLog | undefined, directory: string): Promise<void> {
  await copy?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
}
