import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import type { ListenAddress } from "../config/listen-address.ts";

/** Mode of a unix socket: its owner is the only client, or its group may be one too. */
export type SocketMode = 0o600 | 0o660;

/** Mode of a unix socket unless told otherwise. */
const OWNER_ONLY: SocketMode = 0o600;
/** Permissions that are masked while the socket is made, so that it is never open to others. */
const SOCKET_UMASK = 0o177;

/**
 * Listens and gives the address that was bound. A unix socket gets mode 0600 unless told otherwise; one that is left over from a process
 * which is gone is replaced, one that answers is not. Rejects with Node's error.
 */
export async function listen(
  server: Server,
  address: ListenAddress,
  socketMode: SocketMode = OWNER_ONLY,
): Promise<ListenAddress> {
  if (address.kind === "tcp") {
    await listening(server, () => server.listen({ host: address.host, port: address.port }));
    const bound = server.address();
    return typeof bound === "object" && bound !== null ? { ...address, port: bound.port } : address;
  }
  await removeStaleSocket(address.path);
  await listening(server, () => {
    const previous = process.umask(SOCKET_UMASK);
    try {
      server.listen({ path: address.path });
    } finally {
      process.umask(previous);
    }
  });
  chmodSync(address.path, socketMode);
  return address;
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    start();
  });
}

/** Removes a socket that nobody listens on; leaves everything else alone. */
function removeStaleSocket(path: string): Promise<void> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve();
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      // Connecting to a plain file is refused too.
      if (error.code === "ECONNREFUSED" && lstatSync(path).isSocket()) unlinkSync(path);
      resolve();
    });
  });
}
