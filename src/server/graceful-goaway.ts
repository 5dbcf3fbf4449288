import { constants, type ServerHttp2Session } from "node:http2";

/** Highest stream id: a GOAWAY with it refuses no call that is on its way. */
const LAST_STREAM_ID = 2 ** 31 - 1;
/** Longest wait for a client to answer that it has read the GOAWAY, in milliseconds. */
const CLIENT_ANSWER_MS = 1_000;

/**
 * Closes an HTTP/2 connection so that no call is lost (RFC 9113, section 6.8):
 * the client is asked to begin no further calls, and those that were on their
 * way meanwhile are taken; the connection closes with its last call. A client
 * that does not answer the PING behind the GOAWAY is not waited for.
 */
export function closeGracefully(session: ServerHttp2Session, opaqueData?: Buffer): void {
  if (session.closed || session.destroyed) return;
  const close = (): void => {
    clearTimeout(timer);
    if (!session.closed && !session.destroyed) session.close();
  };
  const timer = setTimeout(close, CLIENT_ANSWER_MS).unref();
  session.once("close", close);
  session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_ID, opaqueData);
  if (!session.ping(close)) close();
}
