import type { Fenced } from "./eventlog/fenced.ts";
import type { SubmissionStore } from "./eventlog/submission-store.ts";
import type { OpenUnit } from "./fleet/unit.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import { createSubmissionMethods } from "./messages/submission-methods.ts";
import type { RunningOutbox } from "./outbox/create-outbox.ts";
import { callBidi, callUnary, type UnitMethods } from "./service-unit-methods.ts";

/** What the unit of the outbox works with. */
export interface OutboxUnitOptions {
  /** The unit closes it. */
  readonly fenced: Fenced<SubmissionStore> & AsyncDisposable;
  /** Opens the outbox over the store; createOutbox with the process's ways to send. The unit starts and closes it. */
  readonly openOutbox: (store: SubmissionStore) => Promise<RunningOutbox>;
  readonly defaults: RequestDefaults;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Longest wait of a drain for requests under way, in milliseconds. */
  readonly drainMs: number;
}

/** Opens the outbox in this process, which owns it, and begins to send. Rejects as openOutbox does; the store is then closed. */
export async function openOutboxUnit(options: OutboxUnitOptions): Promise<OpenUnit> {
  const { fenced, defaults, now, drainMs } = options;
  await using opened = new AsyncDisposableStack();
  opened.use(fenced);
  const outbox = opened.use(await options.openOutbox(fenced.store));
  const methods = createSubmissionMethods({ outbox, defaults, now }) as unknown as UnitMethods;
  outbox.start();
  const owned = opened.move();
  return {
    lost: fenced.fenced,
    unary: (method, request, call) => callUnary(methods, method, request, call),
    bidi: (method, requests, call) => callBidi(methods, method, requests, call),
    drain: () => outbox.drain(drainMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
