import type { IncomingMessage } from "node:http";
import { type AddressList, UNIX_PEER } from "./address-list.ts";

/** Most entries of X-Forwarded-For that are looked at, from the right. */
const MAX_FORWARDED = 32;

/**
 * Address that a request comes from. A proxy appends the address of its own
 * peer to X-Forwarded-For, so from the right the entries can be believed up to
 * the first that is no trusted proxy: that one is the client, and what stands
 * left of it anybody can have written. It may be no address at all.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: AddressList): string {
  const peer = withoutZone(request.socket.remoteAddress ?? UNIX_PEER);
  if (!trustedProxies.has(peer)) return peer;
  const entries = forwarded(request);
  let client = peer;
  for (let index = entries.length - 1; index >= Math.max(0, entries.length - MAX_FORWARDED); index--) {
    client = withoutPort(entries[index] ?? "");
    if (client === UNIX_PEER || !trustedProxies.has(client)) break;
  }
  return client;
}

/** Node joins several headers of this name with commas, in order. */
function forwarded(request: IncomingMessage): string[] {
  const header = request.headers["x-forwarded-for"];
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  return text === "" ? [] : text.split(",").map((entry) => entry.trim());
}

/** Some proxies write the port too: `192.0.2.7:4711`, `[2001:db8::7]:4711`. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1];
  const address = bracketed ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
  return withoutZone(address);
}

function withoutZone(address: string): string {
  return address.split("%")[0] ?? "";
}
