import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import type { DynamicInit } from "./describe-proto.ts";
import {
  healthCheckResponse,
  healthListResponse,
  healthService,
  ServingStatus,
} from "./health-descriptor.ts";
import { draining } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";

/** grpc.health.v1.Health for this process. */
export interface Health {
  /** Health as a service for the listeners. */
  readonly binding: ServiceBinding;
  /** Whether the process as a whole ("") and all its services take calls. Watchers are told at once. */
  setServing(serving: boolean): void;
  /** The same for each by its name. Names that are left out stay as they are; ignores those it was not made with. */
  setStatuses(serving: ReadonlyMap<string, boolean>): void;
}

/** Most streams of Watch at once; more are refused. */
const MAX_WATCHERS = 1000;

/**
 * Makes the health service for the named services, which are those that this
 * process has; any other is SERVICE_UNKNOWN. All begin as NOT_SERVING. It says
 * nothing of Infobip: an upstream that is down is no reason to restart.
 * @param drained Aborts when streams are to end: watchers that have been told
 *   the status then learn that the process stops.
 */
export function createHealth(services: readonly string[], drained?: AbortSignal): Health {
  const board = new StatusBoard(["", ...services], drained);
  const serviceOf = (request: Message) => (request as Message & { service: string }).service;
  return {
    binding: {
      service: healthService,
      implementation: {
        check: async (request: Message) => {
          const status = board.status(serviceOf(request));
          if (status === undefined) throw serviceUnknown();
          return create(healthCheckResponse, { status } as DynamicInit);
        },
        list: async () => create(healthListResponse, { statuses: board.all() } as DynamicInit),
        watch: (request: Message, context: CallContext) => board.watch(serviceOf(request), context.signal),
      },
    },
    setServing: (serving) => board.setAll(serving),
    setStatuses: (serving) => board.set(serving),
  };
}

class StatusBoard {
  readonly #statuses: Map<string, ServingStatus>;
  readonly #watchers = new Set<() => void>();
  readonly #drained: AbortSignal | undefined;

  constructor(services: readonly string[], drained: AbortSignal | undefined) {
    this.#drained = drained;
    drained?.addEventListener("abort", () => this.#wakeAll());
    this.#statuses = new Map(services.map((service) => [service, ServingStatus.NOT_SERVING]));
  }

  status(service: string): ServingStatus | undefined {
    return this.#statuses.get(service);
  }

  all(): Record<string, object> {
    return Object.fromEntries(
      [...this.#statuses].map(([service, status]) => [
        service,
        create(healthCheckResponse, { status } as DynamicInit),
      ]),
    );
  }

  setAll(serving: boolean): void {
    this.set(new Map([...this.#statuses.keys()].map((service) => [service, serving])));
  }

  set(serving: ReadonlyMap<string, boolean>): void {
    let changed = false;
    for (const [service, isServing] of serving) changed = this.#put(service, isServing) || changed;
    if (changed) this.#wakeAll();
  }

  /** Yields the status at once and then each change. A service that is not known stays so, and the stream open. */
  async *watch(service: string, signal: AbortSignal): AsyncGenerator<EncodedMessage> {
    if (this.#watchers.size >= MAX_WATCHERS) throw tooManyWatchers();
    let wake: () => void = () => undefined;
    const notify = () => wake();
    this.#watchers.add(notify);
    signal.addEventListener("abort", notify);
    try {
      let last: ServingStatus | undefined;
      while (!signal.aborted) {
        // Armed before the status is read, so that no change falls in between.
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const status = this.#statuses.get(service) ?? ServingStatus.SERVICE_UNKNOWN;
        if (status !== last) yield encodeStatus(status);
        else if (this.#drained?.aborted) throw draining();
        else await changed;
        last = status;
      }
    } finally {
      this.#watchers.delete(notify);
      signal.removeEventListener("abort", notify);
    }
  }

  #wakeAll(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Whether that is a change. */
  #put(service: string, serving: boolean): boolean {
    const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    const last = this.#statuses.get(service);
    if (last === undefined || last === status) return false;
    this.#statuses.set(service, status);
    return true;
  }
}

function encodeStatus(status: ServingStatus): EncodedMessage {
  return toBinary(healthCheckResponse, create(healthCheckResponse, { status } as DynamicInit));
}

function serviceUnknown(): ServiceError {
  return new ServiceError(Code.NotFound, "SERVICE_UNKNOWN", "no such service; List names those there are");
}

function tooManyWatchers(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "too many health watches are open; use Check",
  );
}
