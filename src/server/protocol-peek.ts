import type { Socket } from "node:net";

/** First bytes of every HTTP/2 connection with prior knowledge. Its first line is no valid HTTP/1.1 request. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Where a connection goes once its protocol is known. */
export interface PeekTargets {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
  /** A connection that does not show its protocol within so many milliseconds is cut. */
  readonly timeoutMs: number;
}

/**
 * Looks at the first bytes of a connection and hands it, with those bytes put
 * back, to the server that speaks its protocol. Plain Node cannot serve
 * HTTP/1.1 and cleartext HTTP/2 on one port by itself.
 */
export function peekProtocol(socket: Socket, targets: PeekTargets): void {
  const ignore = () => undefined;
  // Until a server takes the connection over, nobody else listens for its errors.
  socket.on("error", ignore);
  const timer = setTimeout(() => socket.destroy(), targets.timeoutMs);
  const forget = () => clearTimeout(timer);
  // A client that closes before it shows its protocol will never show it.
  const cut = () => socket.destroy();
  socket.once("close", forget);
  const hand = (to: (socket: Socket) => void) => {
    socket.off("readable", look);
    socket.off("end", cut);
    socket.off("close", forget);
    forget();
    to(socket);
    socket.off("error", ignore);
  };
  let seen = Buffer.alloc(0);
  const look = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
      seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const isHttp2 = PREFACE.subarray(0, length).equals(seen.subarray(0, length));
    if (isHttp2 && length < PREFACE.length) return;
    socket.unshift(seen);
    if (!isHttp2) return hand(targets.http1);
    // The HTTP/1.1 server accepts half-open connections; an HTTP/2 session must end when its client's side does.
    socket.allowHalfOpen = false;
    hand(targets.http2);
  };
  socket.on("readable", look);
  socket.once("end", cut);
}
