import { randomUUIDv7 } from "node:crypto";
import type { Config } from "./config/config.ts";
import type { SendingConfig } from "./config/sending-config.ts";
import type { InfobipClient } from "./infobip/infobip-client.ts";
import { CircuitBreaker } from "./infobip/sending/circuit-breaker.ts";
import { createSendQueue } from "./infobip/sending/create-send-queue.ts";
import { RateLimiter } from "./infobip/sending/rate-limiter.ts";
import { RetryBudget } from "./infobip/sending/retry-budget.ts";
import type { SendHooks } from "./infobip/sending/send-hooks.ts";
import type { SendQueue } from "./infobip/sending/send-queue.ts";
import type { NewMessageId } from "./messages/destination-slots.ts";
import {
  createMessageSender,
  type MessageSender,
  type MessageSenderOptions,
} from "./messages/message-sender.ts";
import { type PreparedRequest, prepareRequest } from "./messages/prepare-request.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import type { SendCall } from "./messages/send-call.ts";
import { createSendOnce } from "./messages/send-once.ts";
import { openSendResultRecorder } from "./messages/send-result-recorder.ts";
import type { SendSubmission } from "./outbox/outbox.ts";
import type { ServiceEvents } from "./service-events.ts";
import type { Storage } from "./service-storage.ts";
import { countSends } from "./service-telemetry.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { systemTimer } from "./timer.ts";

/** Longest time that the circuit is open at first, and ever, in milliseconds. */
const CIRCUIT_OPEN_MS = 1_000;
const CIRCUIT_MAX_OPEN_MS = 30_000;
/** Flow of all submissions: they take turns with the callers as one of them. */
const OUTBOX_FLOW = "submissions";

/** What sending works with. */
export interface SendingOptions extends Pick<Storage, "log" | "answers"> {
  readonly config: Config;
  readonly client: InfobipClient;
  readonly defaults: RequestDefaults;
  readonly newMessageId: NewMessageId | undefined;
  readonly metrics: Metrics;
  readonly events: ServiceEvents;
  /** Told of each send before it leaves: its message ids and the trace of its call. Must not throw. */
  readonly onSend: NonNullable<MessageSenderOptions["onBegin"]>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Closes what is opened, in reverse order. */
  readonly owned: AsyncDisposableStack;
}

/** The ways of messages to Infobip. */
export interface Sending {
  /** For events. */
  readonly queue: SendQueue;
  /** For messages whose caller waits. */
  readonly send: SendCall;
  /** For messages of the outbox, whose caller does not. */
  readonly sendSubmission: SendSubmission;
  readonly newMessageId: NewMessageId;
  /** Changes how many destinations a second may leave. */
  setRateLimits(limits: SendingConfig["rateLimit"]): void;
}

/** Opens the queue. */
export function openSending(options: SendingOptions): Sending {
  const { log, answers, metrics, events, owned, defaults } = options;
  const newMessageId = options.newMessageId ?? randomUUIDv7;
  const recorder = owned.use(
    openSendResultRecorder({
      log,
      mode: options.config.events.sendResults,
      now: options.now,
      onFailure: events.sending.resultsNotRecorded,
    }),
  );
  const limiter = new RateLimiter({ ...options.config.sending.rateLimit, now: systemTimer.now });
  const queue = createQueue(options, limiter);
  metrics.observeSendQueue(queue);
  const sender = createMessageSender({
    queue,
    recorder,
    onBegin: options.onSend,
    onEnd: countSends(metrics, events.messages.sendEnded),
  });
  const prepare = (request: PreparedRequest["request"], newId: NewMessageId): PreparedRequest =>
    prepareRequest(request, { defaults, newMessageId: newId });
  const once = owned.use(
    createSendOnce({
      sender,
      prepare,
      newMessageId,
      answers,
      timer: systemTimer,
      onRepeat: metrics.calls.repeated,
      onNotStored: (error) => {
        metrics.calls.answerNotStored();
        events.sending.answerNotStored(error);
      },
    }),
  );
  // The queue waits for requests under way, which the closing client bounds.
  owned.defer(async () => {
    await Promise.all([queue[Symbol.asyncDispose](), options.client[Symbol.asyncDispose]()]);
  });
  return {
    queue,
    send: once.send,
    sendSubmission: sendSubmission(sender, (request) => prepare(request, newMessageId)),
    newMessageId,
    setRateLimits: (limits) => limiter.setLimits(limits),
  };
}

function createQueue({ config, client, metrics, events }: SendingOptions, limiter: RateLimiter): SendQueue {
  const { upstream, sending } = config;
  const { now } = systemTimer;
  const random = Math.random;
  return createSendQueue({
    client,
    limits: {
      connections: upstream.connections,
      maxJobs: upstream.maxQueued,
      maxBytes: sending.maxQueuedBytes,
      maxBatch: sending.maxBatch,
      maxAttempts: sending.maxAttempts,
    },
    limiter,
    breaker: new CircuitBreaker({
      failures: sending.circuitFailures,
      openMs: CIRCUIT_OPEN_MS,
      maxOpenMs: CIRCUIT_MAX_OPEN_MS,
      now,
      random,
    }),
    budget: new RetryBudget(now),
    timer: systemTimer,
    random,
    hooks: queueHooks(metrics, events),
  });
}

function queueHooks(metrics: Metrics, events: ServiceEvents): SendHooks {
  return {
    onRequest: (report) => metrics.sending.requestEnded({ ...report, reason: report.reason ?? "OK" }),
    onRetry: ({ reason, jobs }) => metrics.sending.retried(reason, jobs),
    onPaused: (pausedMs) => {
      metrics.sending.paused();
      events.sending.paused(pausedMs);
    },
    onCircuit: (state) => {
      metrics.sending.circuitChanged(state);
      events.sending.circuitChanged(state);
    },
  };
}

/** What is stored has its defaults and ids: preparing it again fills in nothing. */
function sendSubmission(
  sender: MessageSender,
  prepare: (request: PreparedRequest["request"]) => PreparedRequest,
): SendSubmission {
  return async (request, options) => sender.send(prepare(request), { ...options, flow: OUTBOX_FLOW });
}
