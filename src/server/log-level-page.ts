import type { IncomingMessage } from "node:http";
import { isLoopbackHost } from "../config/listen-address.ts";
import { isLogLevel, type LevelPort, LOG_LEVELS } from "../log-level.ts";
import { type AdminAnswer, type AdminPage, jsonAnswer } from "./admin-page.ts";

/** IPv4 addresses as an IPv6 socket tells them. */
const MAPPED = /^::ffff:/;

/**
 * `GET /loglevel` tells the least level that is written, `PUT
 * /loglevel?level=debug` changes it until the process ends: from this machine
 * alone, and not through a name that a foreign web page may have made point here.
 */
export function logLevelPage(level: LevelPort, onUnixSocket: boolean): AdminPage {
  return {
    title: "least level of log lines; PUT /loglevel?level=debug changes it, from this machine only",
    methods: ["GET", "PUT"],
    answer: ({ method, query, incoming }) => {
      if (method === "GET") return jsonAnswer(200, { level: level.get() });
      if (!onUnixSocket && !isLocal(incoming)) return jsonAnswer(403, { error: "NOT_LOCAL" });
      return setLevel(level, query);
    },
  };
}

function setLevel(level: LevelPort, query: string): AdminAnswer {
  const asked = new URLSearchParams(query).getAll("level");
  const [name = ""] = asked;
  if (asked.length !== 1 || !isLogLevel(name)) {
    return jsonAnswer(400, { error: "LEVEL_UNKNOWN", levels: LOG_LEVELS });
  }
  level.set(name);
  return jsonAnswer(200, { level: name });
}

function isLocal({ socket, headers }: IncomingMessage): boolean {
  const peer = socket.remoteAddress?.replace(MAPPED, "");
  const host = URL.parse(`http://${headers.host ?? ""}`)?.hostname.replace(/^\[|\]$/g, "");
  return peer !== undefined && isLoopbackHost(peer) && host !== undefined && isLoopbackHost(host);
}
