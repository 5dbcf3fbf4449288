/** What the server says when a stream that discards nothing has reached its limit of bytes. */
const FULL = "maximum bytes exceeded";
/** Causes of causes that are looked at. */
const MAX_DEPTH = 4;

/** Whether a message was refused because its stream is full. */
export function isStreamFull(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < MAX_DEPTH && cause instanceof Error; depth++) {
    if (cause.message.includes(FULL)) return true;
    cause = cause.cause;
  }
  return false;
}
