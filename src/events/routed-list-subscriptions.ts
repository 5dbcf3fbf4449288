import { create } from "@bufbuild/protobuf";
import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { Subscription } from "../../gen/infobip/events/v1/subscription_pb.js";
import {
  GetSubscriptionRequestSchema,
  ListSubscriptionsRequestSchema,
  ListSubscriptionsResponseSchema,
} from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { UnitCalls } from "../rpc/unit-calls.ts";
import type { ClockTimer } from "../timer.ts";
import { DEFAULT_PAGE_SIZE } from "./event-page.ts";
import { argumentsDigest, decodePageToken, encodePageToken, PageKind } from "./page-token.ts";
import type { EventsMethod } from "./subscription-context.ts";
import type { SubscriptionDirectory } from "./subscription-directory.ts";
import { subscriptionName } from "./subscription-names.ts";
import { subscriptionUnit } from "./subscription-unit-names.ts";
import { describeRecord } from "./subscription-view.ts";

/** Subscriptions of one list that are asked for at one time. */
const PARALLEL = 16;
/** Longest wait for the process that works on a subscription, in milliseconds; past it the list has no status of it. */
const STATUS_TIMEOUT_MS = 5_000;

/** What the list works with. */
export interface RoutedListOptions {
  readonly units: UnitCalls;
  readonly directory: SubscriptionDirectory;
  /** Of the event log, for cursors. */
  readonly logId: string;
  readonly timer: ClockTimer;
}

/**
 * Makes the implementation of EventsService.ListSubscriptions for a process
 * that shares the log with others. Who works on a subscription tells its
 * status; one that does not answer is listed without.
 */
export function createRoutedListSubscriptions(options: RoutedListOptions): EventsMethod<"listSubscriptions"> {
  return async (request, call) => {
    const { pageSize, pageToken } = request;
    const digest = argumentsDigest(ListSubscriptionsRequestSchema, request);
    const after = pageToken === "" ? "" : decodePageToken(PageKind.SUBSCRIPTIONS, pageToken, digest);
    const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
    const ids = await orCallEnded(options.directory.listSubscriptionIds(), call.signal);
    const found = ids.filter((id) => id > after).sort();
    const page = found.slice(0, size);
    const last = page.at(-1);
    const nextPageToken =
      found.length > size && last !== undefined ? encodePageToken(PageKind.SUBSCRIPTIONS, last, digest) : "";
    const subscriptions = await describeAll(options, page, call);
    return create(ListSubscriptionsResponseSchema, { subscriptions, nextPageToken });
  };
}

/** In the order of the ids; without those that were deleted meanwhile. */
async function describeAll(
  options: RoutedListOptions,
  ids: readonly string[],
  call: CallContext,
): Promise<Subscription[]> {
  const described: (Subscription | undefined)[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < ids.length) {
      const at = next++;
      described[at] = await describe(options, ids[at] ?? "", call);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, ids.length) }, run));
  return described.filter((subscription) => subscription !== undefined);
}

async function describe(
  { units, directory, logId, timer }: RoutedListOptions,
  id: string,
  call: CallContext,
): Promise<Subscription | undefined> {
  using bounded = new BoundedCall(call, timer);
  try {
    const request = create(GetSubscriptionRequestSchema, { name: subscriptionName(id) });
    const { getSubscription } = EventsService.method;
    return (await units.unary(subscriptionUnit(id), getSubscription, request, bounded)).subscription;
  } catch (error) {
    if (call.signal.aborted || !(error instanceof ServiceError)) throw error;
    if (error.reason === "SUBSCRIPTION_UNKNOWN") return undefined;
  }
  const record = await orCallEnded(directory.readSubscription(id), call.signal);
  return record === undefined ? undefined : describeRecord(logId, record, undefined);
}

/** A call within another one that takes a bounded time. */
class BoundedCall implements CallContext, Disposable {
  readonly #outer: CallContext;
  readonly #abort = new AbortController();
  readonly #callOff: () => void;
  readonly requestHeader = new Headers();
  readonly responseHeader = new Headers();
  readonly responseTrailer = new Headers();

  constructor(outer: CallContext, timer: ClockTimer) {
    this.#outer = outer;
    this.#callOff = timer.schedule(STATUS_TIMEOUT_MS, () =>
      this.#abort.abort(new DOMException("the owner did not answer in time", "TimeoutError")),
    );
    outer.signal.addEventListener("abort", this.#onAbort);
    if (outer.signal.aborted) this.#onAbort();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  readonly timeoutMs = (): number =>
    Math.min(STATUS_TIMEOUT_MS, this.#outer.timeoutMs() ?? STATUS_TIMEOUT_MS);

  [Symbol.dispose](): void {
    this.#callOff();
    this.#outer.signal.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => this.#abort.abort(this.#outer.signal.reason);
}
