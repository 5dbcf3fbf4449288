import { Code } from "@connectrpc/connect";
import { ServiceError } from "../../../errors.ts";
import { MAX_SESSIONS, MAX_SUBSCRIPTIONS, type SessionEnd } from "../../subscription-engine.ts";

/** The error for an id that names no subscription. */
export function subscriptionUnknown(): ServiceError {
  const text = "there is no subscription of this name; create it, or check the name";
  return new ServiceError(Code.NotFound, "SUBSCRIPTION_UNKNOWN", text);
}

/** The error for an id that is taken. */
export function subscriptionExists(): ServiceError {
  const text = "a subscription of this name exists; use it, or choose another name";
  return new ServiceError(Code.AlreadyExists, "SUBSCRIPTION_EXISTS", text);
}

/** The error for one subscription too many. */
export function subscriptionLimit(): ServiceError {
  const text = `there are ${MAX_SUBSCRIPTIONS} subscriptions, the most that are kept; delete one that is not used`;
  return new ServiceError(Code.ResourceExhausted, "SUBSCRIPTION_LIMIT", text);
}

/** The error for one session too many. */
export function consumerLimit(): ServiceError {
  const text = `the subscription has ${MAX_SESSIONS} open sessions, the most it takes; close some, or wait for their leases to end`;
  return new ServiceError(Code.ResourceExhausted, "CONSUMER_LIMIT", text);
}

/** The error of whatever begins while the service stops. */
export function draining(): ServiceError {
  const text = "the service is about to stop; subscribe on another instance, or here again once it runs";
  return new ServiceError(Code.Unavailable, "DRAINING", text);
}

/** The error for a session that is not, or no more, open. */
export function sessionUnknown(): ServiceError {
  const text =
    "the session is not open: its lease ran out, it was closed, or the service was restarted; open a new one";
  return new ServiceError(Code.FailedPrecondition, "SESSION_EXPIRED", text);
}

/** The error that a session ends with when its lease runs out. */
export function leaseExpired(): ServiceError {
  const text =
    "nothing came from the consumer within its lease, so its events go to others; open a new session, with a longer lease or more frequent pings";
  return new ServiceError(Code.Aborted, "SESSION_EXPIRED", text);
}

/** The error that the sessions of a deleted subscription end with. */
export function subscriptionDeleted(): ServiceError {
  const text = "the subscription was deleted; create it anew, or stop";
  return new ServiceError(Code.Aborted, "SUBSCRIPTION_CHANGED", text);
}

/** The error for a sequence that is no dead letter of the subscription. */
export function deadLetterUnknown(): ServiceError {
  const text = "the subscription has no such dead letter, and none was redriven; list the dead letters again";
  return new ServiceError(Code.NotFound, "DEAD_LETTER_UNKNOWN", text);
}

/** The error that a session ends with when it is ended from outside. */
export function sessionEnded(how: SessionEnd): ServiceError {
  if (how === "DRAINED") return draining();
  return new ServiceError(Code.Canceled, "CANCELLED", "the session was ended; open a new one to go on");
}
