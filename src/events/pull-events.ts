import { create, fromBinary } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { DeliveredEventSchema } from "../../gen/infobip/events/v1/subscription_pb.js";
import {
  type PullEventsRequest,
  type PullEventsResponse,
  PullEventsResponseSchema,
} from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { encodeCursor } from "../eventlog/cursor.ts";
import type { Delivery, SubscriptionSession, TakeResult } from "../eventlog/subscription-engine.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { callEnded, serviceDraining } from "../rpc/call-ended.ts";
import type { ClockTimer } from "../timer.ts";
import { ConsumerDrain } from "./consumer-drain.ts";
import { MAX_PAGE_BYTES } from "./event-page.ts";
import { asPrecondition } from "./session-errors.ts";
import { takeInTurn } from "./session-takes.ts";
import { DEFAULT_LEASE_MS } from "./subscribe.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { describeProgress } from "./subscription-view.ts";

/** Events of one pull where the request names no number. */
export const DEFAULT_PULL_EVENTS = 100;
/** Most events that a session of pulls holds; requests cannot set it. */
export const PULL_MAX_OUTSTANDING = 10_000;

/**
 * Makes the implementation of EventsService.PullEvents. A call that ends
 * before its answer leaves no event behind: a session that it opened ends, and
 * from another one its events are given back.
 */
export function createPullEvents(context: SubscriptionContext): EventsMethod<"pullEvents"> {
  return async (request, call) => {
    const isNew = request.sessionId === "";
    const session = openSession(context, request);
    let isDone = false;
    try {
      using _lease = session.hold();
      const response = await pull(context, session, request, call);
      isDone = true;
      return response;
    } catch (error) {
      throw asPrecondition(error);
    } finally {
      // The caller never learns of a session that it was not told of.
      if (isNew && !isDone) await session.end("LEFT");
    }
  };
}

function openSession({ engine }: SubscriptionContext, request: PullEventsRequest): SubscriptionSession {
  const id = subscriptionId(request.subscription);
  if (request.sessionId !== "") return engine.session(id, request.sessionId);
  return engine.join(id, {
    clientId: request.clientId,
    leaseMs: request.lease === undefined ? DEFAULT_LEASE_MS : durationMs(request.lease),
    maxOutstanding: PULL_MAX_OUTSTANDING,
  });
}

async function pull(
  context: SubscriptionContext,
  session: SubscriptionSession,
  request: PullEventsRequest,
  call: CallContext,
): Promise<PullEventsResponse> {
  const taken = await takeWithin(context, session, request, call);
  const kept = fitting(taken.deliveries);
  giveBack(session, taken.deliveries.slice(kept.length));
  try {
    const status = describeProgress(context, await session.progress());
    if (call.signal.aborted) throw callEnded(call.signal);
    return create(PullEventsResponseSchema, {
      sessionId: session.id,
      leaseExpireTime: timestampFromMs(session.leaseExpiresAtMs),
      events: kept.map(decode),
      status,
      ...(taken.gap === undefined ? {} : { gap: describeGap(context, taken.gap) }),
    });
  } catch (error) {
    giveBack(session, kept);
    throw error;
  }
}

function giveBack(session: SubscriptionSession, deliveries: readonly Delivery[]): void {
  if (deliveries.length > 0) session.release(deliveries.map(({ record }) => record.sequence));
}

/** Takes events, and waits for a first one as long as the request says. */
async function takeWithin(
  context: SubscriptionContext,
  session: SubscriptionSession,
  request: PullEventsRequest,
  call: CallContext,
): Promise<TakeResult> {
  const { timer } = context;
  const drain = new ConsumerDrain(context, call);
  const waitUntil = timer.now() + (request.wait === undefined ? 0 : durationMs(request.wait));
  const options = {
    maxEvents: request.maxEvents ?? DEFAULT_PULL_EVENTS,
    maxBytes: MAX_PAGE_BYTES,
    includeRaw: request.includeRawBody ?? false,
  };
  while (true) {
    if (call.signal.aborted) throw callEnded(call.signal);
    // What an instance hands out while it stops could not be acknowledged to it.
    if (drain.draining) throw serviceDraining();
    const taken = await takeInTurn(session, options);
    if (taken.deliveries.length > 0 || taken.gap !== undefined) return taken;
    const leftMs = waitUntil - timer.now();
    if (leftMs <= 0) return taken;
    await waitForWork(session, { signal: call.signal, drain, timer, delayMs: leftMs });
  }
}

/** What ends a wait besides work. */
interface WaitEnds {
  readonly signal: AbortSignal;
  readonly drain: ConsumerDrain;
  readonly timer: ClockTimer;
  readonly delayMs: number;
}

/** Resolves when a take may bring something, the time is up, the call ends or the consumer has to leave. */
async function waitForWork(
  session: SubscriptionSession,
  { signal, drain, timer, delayMs }: WaitEnds,
): Promise<void> {
  const done = new AbortController();
  const wake = (): void => done.abort();
  const callOffTimer = timer.schedule(delayMs, wake);
  const callOffDrain = drain.onDrain(wake);
  signal.addEventListener("abort", wake);
  try {
    await session.waitForWork(done.signal);
  } finally {
    signal.removeEventListener("abort", wake);
    callOffDrain();
    callOffTimer();
  }
}

/** As many deliveries as the answer holds; at least one. */
function fitting(deliveries: readonly Delivery[]): readonly Delivery[] {
  let bytes = 0;
  const end = deliveries.findIndex(({ record }, index) => {
    bytes += record.encoded.length;
    return index > 0 && bytes > MAX_PAGE_BYTES;
  });
  return end < 0 ? deliveries : deliveries.slice(0, end);
}

function decode({ record, attempt }: Delivery) {
  return create(DeliveredEventSchema, { event: fromBinary(EventSchema, record.encoded), attempt });
}

function describeGap({ log }: SubscriptionContext, gap: { readonly from: number; readonly to: number }) {
  return { fromCursor: encodeCursor(log.id, gap.from), toCursor: encodeCursor(log.id, gap.to) };
}
