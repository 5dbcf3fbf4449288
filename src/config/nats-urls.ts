import { isLoopbackHost } from "./listen-address.ts";
import { splitList } from "./value-types.ts";

/** Most servers that are named; those of the cluster that are not named are learned from the others. */
const MAX_SERVERS = 64;
const DEFAULT_PORT = "4222";
const WANTED =
  "must be empty, which means the embedded engine, or the servers of NATS JetStream: nats://host:port or tls://host:port, with commas between several";

/**
 * Reads the servers that keep the event log, such as `nats://a:4222,nats://b:4222`; empty text means none. Each is
 * given as `scheme://host:port`, once. Throws an Error that says what is wrong and holds nothing of the text.
 */
export function parseNatsUrls(text: string): readonly string[] {
  const servers = [...new Set(splitList(text).map(parseNatsUrl))];
  if (servers.length > MAX_SERVERS) throw new Error(`must name at most ${MAX_SERVERS} servers`);
  if (servers.some(isTlsUrl) && !servers.every(isTlsUrl))
    throw new Error(
      "must not mix nats:// and tls://: either all connections are encrypted or none has to be",
    );
  return servers;
}

function parseNatsUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "nats:" && url.protocol !== "tls:")) throw new Error(WANTED);
  if (url.username !== "" || url.password !== "")
    throw new Error("must not hold credentials; use nats.user and nats.password, or nats.token");
  const hasMore = (url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.hash !== "";
  if (url.hostname === "" || url.port === "0" || hasMore) throw new Error(WANTED);
  return `${url.protocol}//${url.hostname}:${url.port || DEFAULT_PORT}`;
}

/** Whether a server is to be reached over TLS in any case. */
export function isTlsUrl(server: string): boolean {
  return server.startsWith("tls://");
}

/** Whether a server, as {@link parseNatsUrls} gives it, is on this machine. */
export function isLocalServer(server: string): boolean {
  return isLoopbackHost(new URL(server).hostname.replace(/^\[|\]$/g, ""));
}
