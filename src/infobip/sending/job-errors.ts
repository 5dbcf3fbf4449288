import { ServiceError } from "../../errors.ts";
import { CallFailure, type Phase } from "../call-failure.ts";
import { failureError } from "../failure-error.ts";
import { stopOf } from "../stop-reason.ts";
import { listUnknownMessages } from "../unknown-messages.ts";
import type { SendJob } from "./send-queue.ts";

/** What a job's share of a failed request is made from. */
export interface JobFailure {
  readonly error: ServiceError;
  readonly job: SendJob;
  /** Whether the request had other jobs too. */
  readonly isShared: boolean;
  /** Requests made for the job; told where another could have followed. */
  readonly attempts?: number | undefined;
}

/** The error of one job out of that of its request: names its own messages and no field of others. */
export function jobError({ error, job, isShared, attempts }: JobFailure): ServiceError {
  if (!isShared && attempts === undefined) return error;
  const { message_ids, message_ids_left_out, ...metadata } = error.metadata;
  return new ServiceError(error.code, error.reason, error.message, {
    domain: error.domain,
    metadata: {
      ...metadata,
      ...(metadata.outcome === "UNKNOWN" ? listUnknownMessages(job.messageIds) : {}),
      ...(attempts === undefined ? {} : { attempts: String(attempts) }),
    },
    // Paths of a shared request are nobody's.
    violations: isShared ? [] : error.violations,
    ...(error.retryDelayMs === undefined ? {} : { retryDelayMs: error.retryDelayMs }),
    cause: error,
  });
}

/** The error of a job that its signal has ended. `isLate`: the caller's deadline has passed. */
export function stoppedError(job: SendJob, phase: Phase, isLate: boolean): ServiceError {
  const stop = stopOf(job.signal.reason, isLate);
  return failureError(new CallFailure(phase, { stop }), {
    kind: "SEND",
    messageIds: job.messageIds,
    secrets: [],
    now: 0,
  });
}
