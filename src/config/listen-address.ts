/** Where a listener listens: a TCP port or a Unix socket. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Longest path of a Unix socket that every platform takes, in bytes. */
const MAX_SOCKET_PATH_BYTES = 103;
const TCP = /^(?<host>\[[0-9a-fA-F:.%]+\]|[^:[\]/\s]+):(?<port>\d{1,5})$/;

/**
 * Reads `host:port`, `[v6]:port` or `unix:/path`. Port 0 takes a free port.
 * Throws an Error that says what is wrong.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) return parseSocketPath(text.slice("unix:".length));
  const groups = TCP.exec(text)?.groups;
  const port = Number(groups?.port);
  if (groups?.host === undefined || port > 65_535) {
    throw new Error("must be host:port, such as 127.0.0.1:50051 or [::1]:50051, or unix:/path");
  }
  return { kind: "tcp", host: groups.host.replace(/^\[|\]$/g, ""), port };
}

function parseSocketPath(path: string): ListenAddress {
  if (!path.startsWith("/"))
    throw new Error("a Unix socket needs an absolute path, such as unix:/run/infobip-rpc.sock");
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(`the path of a Unix socket is at most ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  return { kind: "unix", path };
}

/** Writes an address the way {@link parseListenAddress} reads it, which is also what gRPC clients take as a target. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether only this machine can reach the host. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether only this machine can reach the address. */
export function isLocalAddress(address: ListenAddress): boolean {
  return address.kind === "unix" || isLoopbackHost(address.host);
}
