import type { SubscriptionSession, TakeOptions, TakeResult } from "../eventlog/subscription-engine.ts";

/** The last take of each session. A session belongs to one engine, so its calls find each other here. */
const lastTakes = new WeakMap<SubscriptionSession, Promise<unknown>>();

/** Takes events when the takes before are done: several calls may use one session, which knows one take at a time. */
export function takeInTurn(session: SubscriptionSession, options: TakeOptions): Promise<TakeResult> {
  const before = lastTakes.get(session) ?? Promise.resolve();
  const take = before.then(() => session.take(options));
  lastTakes.set(
    session,
    take.catch(() => undefined),
  );
  return take;
}
