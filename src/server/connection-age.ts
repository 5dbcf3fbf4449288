import type { ServerResponse } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Timer } from "../timer.ts";
import { closeGracefully } from "./graceful-goaway.ts";

/** How far the age of a connection is drawn from the one set, up or down: clients that came together leave one by one. */
const JITTER = 0.1;
/** What a GOAWAY for age says, as gRPC servers do (proposal A9). */
const MAX_AGE = Buffer.from("max_age");

/** Options of {@link ConnectionAge}. */
export interface ConnectionAgeOptions {
  /** Milliseconds after which a connection is asked to end, ± 10 %. */
  readonly maxAgeMs: number;
  /** Milliseconds that calls in progress have more. */
  readonly graceMs: number;
  readonly timer: Timer;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Ends the connections of the HTTP listener at an age, so that clients spread over replicas. */
export class ConnectionAge {
  readonly #options: ConnectionAgeOptions;
  /** HTTP/1.1 connections past their age. */
  readonly #aged = new WeakSet<Socket>();
  /** Requests in progress on HTTP/1.1 connections. */
  readonly #busy = new WeakMap<Socket, number>();

  constructor(options: ConnectionAgeOptions) {
    this.#options = options;
  }

  /** An HTTP/2 connection has come: at its age it gets a GOAWAY, and calls in progress the grace. */
  began(session: ServerHttp2Session): void {
    this.#schedule(session, (callOffAtClose) => {
      if (session.destroyed) return;
      closeGracefully(session, MAX_AGE);
      callOffAtClose(this.#options.timer.schedule(this.#options.graceMs, () => session.destroy()));
    });
  }

  /** An HTTP/1.1 connection has come: past its age it closes with its answer, or at once when it is idle. */
  beganHttp1(socket: Socket): void {
    this.#schedule(socket, (callOffAtClose) => {
      this.#aged.add(socket);
      if (!this.#busy.get(socket)) socket.destroySoon();
      callOffAtClose(this.#options.timer.schedule(this.#options.graceMs, () => socket.destroy()));
    });
  }

  /** A request has come on an HTTP/1.1 connection. */
  requested(socket: Socket, response: ServerResponse): void {
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1);
    if (this.#aged.has(socket)) response.setHeader("connection", "close");
    response.once("close", () => {
      const left = (this.#busy.get(socket) ?? 1) - 1;
      this.#busy.set(socket, left);
      if (left === 0 && this.#aged.has(socket)) socket.destroySoon();
    });
  }

  #schedule(
    connection: ServerHttp2Session | Socket,
    expire: (callOffAtClose: (callOff: () => void) => void) => void,
  ): void {
    const { maxAgeMs, timer, random } = this.#options;
    const ageMs = maxAgeMs * (1 - JITTER + 2 * JITTER * random());
    let callOff = timer.schedule(ageMs, () =>
      expire((next) => {
        callOff = next;
      }),
    );
    connection.once("close", () => callOff());
  }
}
