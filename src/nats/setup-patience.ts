import { ServiceError } from "../errors.ts";
import { type ClockTimer, systemTimer } from "../timer.ts";
import { ApiError } from "./jetstream-api.ts";
import { NatsFailure } from "./nats-errors.ts";

/** Longest wait at a start for a cluster that has no leader or too few of its servers yet, in milliseconds. */
const PATIENCE_MS = 10_000;
/** Wait between two tries, in milliseconds. */
const PAUSE_MS = 250;

/** How long the set-up of streams waits for JetStream. */
export interface SetupPatience {
  /** Milliseconds from the first try on in which another one may begin. */
  readonly limitMs: number;
  readonly timer: ClockTimer;
}

/** What a start has. */
export const START_PATIENCE: SetupPatience = { limitMs: PATIENCE_MS, timer: systemTimer };

/**
 * err_code of what ends by itself while a cluster starts: incomplete results,
 * no peers known, not active, not available, not the leader, stream offline.
 */
const PASSING = [10004, 10005, 10006, 10008, 10009, 10118];

/** Tries again while JetStream does not answer, or answers that its cluster is not complete; then rejects with the last error. */
export async function patiently<T>(
  work: () => Promise<T>,
  { limitMs, timer }: SetupPatience = START_PATIENCE,
): Promise<T> {
  const lastTry = timer.now() + limitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || timer.now() + PAUSE_MS > lastTry) throw error;
    }
    await new Promise<void>((resolve) => {
      timer.schedule(PAUSE_MS, resolve);
    });
  }
}

/** What kept JetStream from answering, such as NO_RESPONDERS; undefined for any other error. */
export function unansweredBy(error: unknown): NatsFailure | undefined {
  return error instanceof ServiceError && error.cause instanceof NatsFailure ? error.cause : undefined;
}

function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return PASSING.includes(error.code);
  const code = unansweredBy(error)?.code ?? "";
  return ["NO_RESPONDERS", "TIMEOUT", "DISCONNECTED"].includes(code);
}
