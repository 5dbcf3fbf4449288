import { constants, type Http2Stream, type ServerHttp2Session } from "node:http2";

/** A client's deadlines can pass on every stream of a full connection so many times a second. */
const FULL_CONNECTIONS_PER_SECOND = 4;
/** … and so many times at once, as when Infobip answers nothing for a while. */
const FULL_CONNECTIONS_AT_ONCE = 10;
/** nghttp2 has so many times the limit: it sees what one read holds before this file does. */
const MARGIN = 2;

/**
 * How many calls a client may cancel on one connection: so many at once, and so
 * many a second after that. A client beyond it loses its connection, with all
 * calls on it, which bounds what a flood of cancelled calls costs (CVE-2023-44487).
 *
 * nghttp2's own 1,000 and 33 a second are what the deadlines of a busy client
 * reach while Infobip is slow, and would then fail the other calls too. The
 * bounds follow from the streams that a connection may have instead: with
 * 1,000 of them a client whose every call runs into a deadline of 250 ms stays
 * within them for ever. A call that is cancelled stops its work here, so what
 * the flood gains over calls that are not cancelled is the streams beyond the
 * limit, and those are bounded by the number of resets.
 */
export function streamResetLimits(maxConcurrentStreams: number): StreamResetLimits {
  return {
    atOnce: FULL_CONNECTIONS_AT_ONCE * maxConcurrentStreams,
    perSecond: FULL_CONNECTIONS_PER_SECOND * maxConcurrentStreams,
  };
}

/** Resets that a connection may have. */
export interface StreamResetLimits {
  readonly atOnce: number;
  readonly perSecond: number;
}

/** Options of a Node HTTP/2 server, for resets that come faster than {@link limitStreamResets} gets to see them. */
export function nghttp2ResetOptions({ atOnce, perSecond }: StreamResetLimits): {
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
} {
  return { streamResetBurst: MARGIN * atOnce, streamResetRate: MARGIN * perSecond };
}

/**
 * Ends a connection with ENHANCE_YOUR_CALM when more of its streams are cut off
 * than the limits allow, by the client or for its fault. `now` is in
 * milliseconds on a clock that never goes back.
 */
export function limitStreamResets(
  session: ServerHttp2Session,
  { atOnce, perSecond }: StreamResetLimits,
  now: () => number = () => performance.now(),
): void {
  let left = atOnce;
  let countedAt = now();
  let isOver = false;
  const count = (): void => {
    const at = now();
    left = Math.min(atOnce, left + ((at - countedAt) / 1_000) * perSecond) - 1;
    countedAt = at;
    if (left >= 0 || isOver) return;
    isOver = true;
    // Not while the session is in the middle of what it has read.
    setImmediate(() => end(session));
  };
  // The event `aborted` comes for some of the streams only, such as none that were reset before they had a listener.
  function closed(this: Http2Stream): void {
    if (this.rstCode !== constants.NGHTTP2_NO_ERROR) count();
  }
  session.on("stream", (stream: Http2Stream) => stream.once("close", closed));
}

/** Node takes the code only beside an error that is null, which its types do not know. */
function end(session: ServerHttp2Session): void {
  if (!session.destroyed) session.destroy(null as never, constants.NGHTTP2_ENHANCE_YOUR_CALM);
}
