import type { ClientPorts } from "./ports.ts";
import { InfobipRpcError } from "./rpc-error.ts";

/** Time beyond two missed progress frames after which a stream counts as dead, in milliseconds. */
const SLACK_MS = 5_000;

/** Silence after which a stream with a sign of life at such an interval counts as dead, in milliseconds. */
export function silenceMs(progressIntervalMs: number): number {
  return 2 * progressIntervalMs + SLACK_MS;
}

/**
 * The frames as they come. When none comes for `limitMs` while one is waited for, calls `hangUp` and fails with
 * STREAM_SILENT: the other side, or something between, hangs. `hangUp` must make the frames fail or end.
 */
export async function* untilSilent<T>(
  frames: AsyncIterable<T>,
  limitMs: number,
  ports: ClientPorts,
  hangUp: () => void,
): AsyncGenerator<T, void> {
  const source = frames[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await nextFrame(source, limitMs, ports, hangUp);
      if (done) return;
      yield value;
    }
  } finally {
    // A loop that is left ends the call; on frames that have ended this does nothing.
    await source.return?.();
  }
}

async function nextFrame<T>(
  source: AsyncIterator<T>,
  limitMs: number,
  ports: ClientPorts,
  hangUp: () => void,
): Promise<IteratorResult<T, unknown>> {
  let isSilent = false;
  const cancel = ports.schedule(limitMs, () => {
    isSilent = true;
    hangUp();
  });
  try {
    const result = await source.next();
    if (isSilent && result.done) throw silentError();
    return result;
  } catch (error) {
    throw isSilent ? silentError() : error;
  } finally {
    cancel();
  }
}

function silentError(): InfobipRpcError {
  return new InfobipRpcError("UNAVAILABLE", "STREAM_SILENT", "the stream has shown no sign of life");
}
