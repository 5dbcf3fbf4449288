import { EventTypeSchema } from "../../../gen/infobip/events/v1/event_pb.js";
import { ChannelSchema } from "../../../gen/infobip/messages/v1/channel_pb.js";
import { SubmissionStateSchema } from "../../../gen/infobip/messages/v1/submission_pb.js";
import {
  type LogSummary,
  type SubscriptionSummary,
  summariseLog,
} from "../../eventlog/embedded/log-summary.ts";
import { ReadOnlyLog } from "../../eventlog/embedded/read-only-log.ts";
import type { CommandBody, Session } from "../command.ts";
import { enumName } from "../enum-names.ts";
import { EXIT } from "../exit-codes.ts";
import { alignTable, printable } from "../table.ts";
import { dataDirectory } from "./data-directory.ts";

/** Flags of `log stats`. */
export type StatsOptions = Readonly<Record<string, unknown>>;

/** Body of `log stats`. */
export const stats: CommandBody<StatsOptions> = async (session, options) => {
  using file = ReadOnlyLog.open(await dataDirectory(session.context, options));
  const summary = summariseLog(file);
  if (session.output.json) await session.output.jsonLine(toJson(summary));
  else await print(session, summary);
  return EXIT.ok;
};

function toJson({ state, storage, ...summary }: LogSummary): Record<string, unknown> {
  return {
    log_id: state.logId,
    earliest: state.earliest,
    head: state.head,
    first_time: timeText(summary.firstTimeMs),
    last_time: timeText(summary.lastTimeMs),
    events: countAll(summary.counts),
    bytes_per_event: bytesPerEvent(summary.counts, storage.usedBytes),
    by_kind: summary.counts.map(({ type, channel, ...counts }) => ({
      type: enumName(EventTypeSchema, type),
      channel: enumName(ChannelSchema, channel),
      ...counts,
    })),
    storage: {
      file_bytes: storage.fileBytes,
      used_bytes: storage.usedBytes,
      free_pages: storage.freePages,
      page_bytes: storage.pageBytes,
      wal_bytes: storage.walBytes,
    },
    subscriptions: summary.subscriptions.map((subscription) => ({
      id: subscription.id,
      position: subscription.position,
      lag: subscription.lag,
      unsettled: subscription.unsettled,
      dead_letters: subscription.deadLetters,
      oldest_dead_letter: timeText(subscription.oldestDeadTimeMs),
    })),
    dead_letters: summary.deadLetters,
    oldest_dead_letter: timeText(summary.oldestDeadTimeMs),
    answers: {
      count: summary.answers.count,
      bytes: summary.answers.bytes,
      oldest: timeText(summary.answers.oldestTimeMs),
    },
    submissions: summary.submissions.map(({ state, submissions, bytes }) => ({
      state: enumName(SubmissionStateSchema, state),
      count: submissions,
      bytes,
    })),
  };
}

async function print(session: Session, summary: LogSummary): Promise<void> {
  const { state, storage, counts } = summary;
  const { bold } = session.output.style;
  const events = countAll(counts);
  const facts = [
    ["log id", state.logId],
    ["range", `${state.earliest} to ${state.head}`],
    ["first event", timeText(summary.firstTimeMs) ?? "none"],
    ["last event", timeText(summary.lastTimeMs) ?? "none"],
    ["events", String(events)],
    [
      "file",
      `${storage.fileBytes} bytes, ${storage.usedBytes} in use, ${storage.freePages} free pages of ${storage.pageBytes}`,
    ],
    ["write-ahead log", `${storage.walBytes} bytes`],
    ["bytes per event", String(bytesPerEvent(counts, storage.usedBytes) ?? "none")],
    ["dead letters", deadLetterText(summary.deadLetters, summary.oldestDeadTimeMs)],
    ["answers", answerText(summary.answers)],
    ["submissions", submissionText(summary.submissions)],
  ];
  await printTable(
    session,
    facts.map(([name = "", value = ""]) => [bold(name), value]),
  );
  await printKinds(session, counts);
  await printSubscriptions(session, summary.subscriptions);
}

async function printKinds(session: Session, counts: LogSummary["counts"]): Promise<void> {
  if (counts.length === 0) return;
  await session.output.line();
  const heading = ["type", "channel", "events", "final", "superseded"].map(session.output.style.bold);
  const rows = counts.map(({ type, channel, events, final, superseded }) => [
    enumName(EventTypeSchema, type),
    enumName(ChannelSchema, channel),
    ...[events, final, superseded].map(String),
  ]);
  await printTable(session, [heading, ...rows]);
}

async function printSubscriptions(
  session: Session,
  subscriptions: readonly SubscriptionSummary[],
): Promise<void> {
  if (subscriptions.length === 0) return;
  await session.output.line();
  const heading = ["subscription", "position", "lag", "unsettled", "dead letters"].map(
    session.output.style.bold,
  );
  const rows = subscriptions.map(({ id, position, lag, unsettled, deadLetters, oldestDeadTimeMs }) => [
    printable(id),
    ...[position, lag, unsettled].map((number) => String(number ?? "unreadable")),
    deadLetterText(deadLetters, oldestDeadTimeMs),
  ]);
  await printTable(session, [heading, ...rows]);
}

async function printTable({ output }: Session, rows: readonly (readonly string[])[]): Promise<void> {
  for (const line of alignTable(rows)) await output.line(line);
}

function deadLetterText(count: number, oldestMs: number | undefined): string {
  return oldestMs === undefined ? String(count) : `${count}, the oldest of ${timeText(oldestMs)}`;
}

function answerText({ count, bytes, oldestTimeMs }: LogSummary["answers"]): string {
  return oldestTimeMs === undefined
    ? String(count)
    : `${count}, ${bytes} bytes, the oldest of ${timeText(oldestTimeMs)}`;
}

function submissionText(counts: LogSummary["submissions"]): string {
  if (counts.length === 0) return "0";
  const states = counts.map(
    ({ state, submissions }) => `${submissions} ${enumName(SubmissionStateSchema, state)}`,
  );
  return `${states.join(", ")}, ${counts.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`;
}

function countAll(counts: LogSummary["counts"]): number {
  return counts.reduce((sum, { events }) => sum + events, 0);
}

function bytesPerEvent(counts: LogSummary["counts"], bytes: number): number | undefined {
  const events = countAll(counts);
  return events === 0 ? undefined : Math.round(bytes / events);
}

function timeText(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
}
