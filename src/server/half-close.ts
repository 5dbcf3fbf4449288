import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";

/**
 * Time in which a reset may follow the end of the requests, in milliseconds.
 * Node's HTTP/2 clients cancel a call by closing their side and resetting the
 * stream a moment later.
 */
const RESET_FOLLOWS_MS = 25;

/**
 * Waits until the end of a call's requests is sure to be meant: that the
 * client has closed its side and has not cancelled the call. Throws the reason
 * of the call's signal when it has.
 */
export async function halfClosed(signal: AbortSignal): Promise<void> {
  await delay(RESET_FOLLOWS_MS, undefined, { signal, ref: false }).catch(() => undefined);
  // After a stall the reset may still wait to be read.
  await nextTurn();
  signal.throwIfAborted();
}
