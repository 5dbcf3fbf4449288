import { Code, ConnectError } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";

/** The error a stream ends with once its call's signal has aborted, by the reason of the abort. */
export function callEnded(signal: AbortSignal): ServiceError {
  const reason: unknown = signal.reason;
  if (reason instanceof ServiceError) return reason;
  const code = reason instanceof ConnectError ? reason.code : undefined;
  const timedOut = reason instanceof DOMException && reason.name === "TimeoutError";
  if (code === Code.DeadlineExceeded || timedOut) {
    return new ServiceError(
      Code.DeadlineExceeded,
      "DEADLINE_EXCEEDED",
      "the deadline of the call has passed",
    );
  }
  if (code === Code.Unavailable) return serviceDraining();
  return new ServiceError(Code.Canceled, "CANCELLED", "the call was cancelled");
}

/** The error of a call that comes while the service stops. */
export function serviceDraining(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "DRAINING",
    "the service is stopping; call again, and another instance or the restarted service will answer",
  );
}

/** The result of `work`, or {@link callEnded} as soon as the signal aborts. Leaves no listener behind. */
export async function orCallEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => undefined);
    throw callEnded(signal);
  }
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(callEnded(signal));
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
