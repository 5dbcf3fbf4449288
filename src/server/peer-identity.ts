import type { TLSSocket } from "node:tls";
import type { PeerIdentity } from "../rpc/caller.ts";

/** Most alternative names of a certificate that are looked at. */
const MAX_NAMES = 100;
/** One entry of the list: its type, and its value, which Node writes as a JSON string when it holds anything odd. */
const ENTRY = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/y;

/** Where a socket keeps what its client has shown. */
const IDENTITY = Symbol("identity of the peer");

/** What is known of a connection, by its socket or its HTTP/2 session. */
const known = new WeakMap<object, PeerIdentity | "none">();

/** Whether the client has shown a certificate that is not good: one of another authority, or expired. */
export function hasBadCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/** Takes note of what the client's certificate says, once for the connection. To be called after the handshake. */
export function keepPeerIdentity(socket: TLSSocket): void {
  if (!socket.authorized) return;
  const names = socket.getPeerX509Certificate()?.subjectAltName;
  Reflect.set(socket, IDENTITY, readSubjectAltNames(names ?? ""));
}

/** What the certificate of the client on this socket, or on this HTTP/2 session, says; undefined when it has shown none. */
export function peerIdentityOf(connection: unknown): PeerIdentity | undefined {
  if (typeof connection !== "object" || connection === null) return undefined;
  let identity = known.get(connection);
  if (identity === undefined) {
    identity = readIdentity(connection);
    known.set(connection, identity);
  }
  return identity === "none" ? undefined : identity;
}

/** A session gives its socket in a wrapper that passes on what it does not know. */
function readIdentity(connection: object): PeerIdentity | "none" {
  try {
    const socket: unknown = "socket" in connection ? connection.socket : connection;
    return (Reflect.get(Object(socket), IDENTITY) as PeerIdentity | undefined) ?? "none";
  } catch {
    // A session that has ended has no socket: nobody is left to be known.
    return "none";
  }
}

/** Reads the alternative names as X509Certificate.subjectAltName writes them. Nothing of a list that cannot be read counts. */
export function readSubjectAltNames(text: string): PeerIdentity {
  const uris: string[] = [];
  const dnsNames: string[] = [];
  let read = 0;
  ENTRY.lastIndex = 0;
  for (let count = 0; count < MAX_NAMES && read < text.length; count++) {
    const match = ENTRY.exec(text);
    if (match === null) return { uris: [], dnsNames: [] };
    read = ENTRY.lastIndex;
    const [, type, value = ""] = match;
    const name = value.startsWith('"') ? unquote(value) : value;
    if (type === "URI") uris.push(name);
    else if (type === "DNS") dnsNames.push(name.toLowerCase());
  }
  return { uris, dnsNames };
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return "";
  }
}
