import { randomBytes } from "node:crypto";
import type { NatsLink } from "../../nats/nats-link.ts";
import type { Publisher } from "../../nats/publisher.ts";
import { type ClockTimer, systemTimer } from "../../timer.ts";
import { openReplicaLog, type RebuildReason } from "../embedded/open-replica-log.ts";
import type { ReplicaLog } from "../replica-log.ts";
import { type EventStream, type EventStreamOptions, openEventStream } from "./event-stream.ts";
import { Follower } from "./follower.ts";
import { JetStreamAppender } from "./jetstream-appender.ts";
import { type JetStreamLog, StreamLog, type StreamReading } from "./jetstream-log.ts";
import { StreamWatch } from "./stream-watch.ts";
import { findDivergence } from "./tail-check.ts";

/** What a {@link JetStreamLog} tells of. All are optional, and none may throw. */
export interface JetStreamLogHooks {
  /** Appends have begun to fail: none is confirmed until onRecovered. */
  readonly onTrouble?: (error: Error) => void;
  /** Appends work again. */
  readonly onRecovered?: () => void;
  /** The replica is no longer given what comes into the stream. It is tried again without end. */
  readonly onFollowTrouble?: (error: Error) => void;
  /** The replica is given what comes again. */
  readonly onFollowRecovered?: () => void;
  /** Messages of the stream were no events and were passed over; told once a minute at most. `total`: since the start. */
  readonly onSkipped?: (total: number) => void;
  /** The replica was of no use and is fetched anew. */
  readonly onRebuilt?: (reason: RebuildReason) => void;
  /** The replica's file has begun to refuse writes. */
  readonly onReplicaTrouble?: (error: Error) => void;
  /** The replica's file takes writes again. */
  readonly onReplicaRecovered?: () => void;
  /** A read has found the replica's file damaged; called once. */
  readonly onDamaged?: (error: Error) => void;
}

/** How to open the event log in NATS. */
export interface JetStreamLogOptions extends EventStreamOptions {
  /** Stays the caller's, and must be open for longer than the log. */
  readonly link: NatsLink;
  /** Stays the caller's, and must be open for longer than the log. */
  readonly publisher: Publisher;
  /** Whether this process reads events, and so keeps a copy of the log. */
  readonly withReplica: boolean;
  /** Holds the copy's files and nothing else; created when it is missing. Files of a copy that is of no use are replaced. */
  readonly directory: string;
  readonly hooks?: JetStreamLogHooks;
  /** Default: the system's. */
  readonly timer?: ClockTimer;
  /** Identity for a log that is created now: 8 random bytes. */
  readonly newLogId?: () => Uint8Array;
}

/**
 * Opens the event log in NATS, and creates its stream when there is none. It
 * returns before the replica has caught up, see {@link JetStreamLog.caughtUp}.
 *
 * @throws StartError, or what the room `nats` throws, when the stream cannot be used; EventLogOpenError when the
 * replica's directory cannot be.
 */
export async function openJetStreamLog(options: JetStreamLogOptions): Promise<JetStreamLog> {
  const { link, publisher, hooks = {}, timer = systemTimer } = options;
  const newLogId = Buffer.from((options.newLogId ?? (() => randomBytes(8)))()).toString("hex");
  const stream = await openEventStream(link, options, newLogId);
  const replica = options.withReplica ? await openReplica(options, stream) : undefined;
  return new StreamLog({
    id: stream.logId,
    link,
    retention: options.retention,
    timer,
    appender: new JetStreamAppender({
      publisher,
      subject: stream.subject,
      partSubject: stream.partSubject,
      maxMessageBytes: () => link.maxPayload,
    }),
    onTrouble: hooks.onTrouble ?? ignore,
    onRecovered: hooks.onRecovered ?? ignore,
    createWatch: (calls) => {
      const { name, logId, state } = stream;
      return new StreamWatch({ link, stream: name, logId, state, timer, ...calls });
    },
    reading: replica && reading(options, stream, replica, timer),
  });
}

function reading(
  { link, hooks = {} }: JetStreamLogOptions,
  { name, state }: EventStream,
  replica: ReplicaLog,
  timer: ClockTimer,
): StreamReading {
  return {
    replica,
    createFollower: (watch, calls) =>
      new Follower({
        link,
        stream: name,
        replica,
        watch,
        timer,
        target: state.lastSequence,
        onSkipped: hooks.onSkipped ?? ignore,
        onTrouble: hooks.onFollowTrouble ?? ignore,
        onRecovered: hooks.onFollowRecovered ?? ignore,
        ...calls,
      }),
  };
}

/** Opens the replica; one that is no copy of the stream any more is begun anew. */
async function openReplica(options: JetStreamLogOptions, stream: EventStream): Promise<ReplicaLog> {
  const { link, directory, retention, hooks = {}, timer } = options;
  const { logId, name, state } = stream;
  const open = (lastSequence: number): Promise<ReplicaLog> =>
    openReplicaLog({
      directory,
      logId,
      lastSequence,
      retention,
      timer,
      onTrouble: hooks.onReplicaTrouble,
      onRecovered: hooks.onReplicaRecovered,
      onDamaged: hooks.onDamaged,
      onRebuilt: hooks.onRebuilt,
    });
  const replica = await open(state.lastSequence);
  let divergence: string | undefined;
  try {
    divergence = await findDivergence({ link, stream: name, state }, replica);
  } catch (error) {
    await replica[Symbol.asyncDispose]();
    throw error;
  }
  if (divergence === undefined) return replica;
  await replica[Symbol.asyncDispose]();
  // As for a log that ends at 0: whatever is there is of another state of it.
  return open(0);
}

function ignore(): void {}
