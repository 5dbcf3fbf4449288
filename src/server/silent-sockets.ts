import type { Socket } from "node:net";

/** Closes connections that have sent nothing yet: no call is waiting on them, and nothing else would end them soon. */
export function closeSilent(sockets: Iterable<Socket>): void {
  for (const socket of sockets) {
    if (socket.bytesRead === 0) socket.destroy();
  }
}
