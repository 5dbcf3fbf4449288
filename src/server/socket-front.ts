import type { Server as NetServer, Socket } from "node:net";
import type { ListenAddress } from "../config/listen-address.ts";
import { listen, type SocketMode } from "./listen.ts";
import { type PeekTargets, peekProtocol } from "./protocol-peek.ts";
import type { TlsCredentials } from "./tls/tls-credentials.ts";
import { TlsFront } from "./tls/tls-front.ts";

/** Options of a {@link SocketFront}. */
export interface SocketFrontOptions {
  /** What accepts the connections. Its own listeners for them are taken off. */
  readonly server: NetServer;
  readonly address: ListenAddress;
  /** Mode of a Unix socket. Default: 0600. */
  readonly socketMode?: SocketMode;
  /** With them a TCP address speaks TLS and nothing else. Unix sockets are always plain. */
  readonly tls?: TlsCredentials | undefined;
  /** Application protocols of TLS, best first. */
  readonly protocols: readonly string[];
  /** Most connections at once, handshakes among them. */
  readonly maxConnections: number;
  /** Default: that of {@link TlsFront}. */
  readonly handshakeTimeoutMs?: number;
}

/**
 * A listening socket, with or without TLS: what all listeners share, up to the
 * point where a connection can be handed to the server of its protocol.
 */
export class SocketFront implements Disposable {
  readonly #options: SocketFrontOptions;
  /** Connections that can be read, whether or not they have shown a protocol. */
  readonly #sockets = new Set<Socket>();
  /** Connections that have not shown their protocol. */
  readonly #silent = new Set<Socket>();
  readonly #tls: TlsFront | undefined;
  #take: (socket: Socket) => void = (socket) => void socket.destroy();

  constructor(options: SocketFrontOptions) {
    this.#options = options;
    const { server, address, tls, protocols, handshakeTimeoutMs } = options;
    const onSecure = (socket: Socket): void => this.#ready(socket);
    if (tls !== undefined && address.kind === "tcp") {
      const timeout = handshakeTimeoutMs === undefined ? {} : { handshakeTimeoutMs };
      this.#tls = new TlsFront({ credentials: tls, protocols, onSecure, ...timeout });
    }
    server.maxConnections = options.maxConnections;
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      if (this.#tls === undefined) this.#ready(socket);
      else this.#tls.accept(socket);
    });
  }

  /** Begins to listen; gives the bound address. Each connection goes to `take`. Rejects with Node's error. */
  start(take: (socket: Socket) => void): Promise<ListenAddress> {
    this.#take = take;
    return listen(this.#options.server, this.#options.address, this.#options.socketMode);
  }

  /** As {@link start}; connections go by what their first bytes say. One that shows nothing in time is cut. */
  startPeeking(targets: PeekTargets): Promise<ListenAddress> {
    const seen =
      (hand: (socket: Socket) => void) =>
      (socket: Socket): void => {
        this.#silent.delete(socket);
        hand(socket);
      };
    const watched = { ...targets, http1: seen(targets.http1), http2: seen(targets.http2) };
    return this.start((socket) => {
      this.#silent.add(socket);
      socket.once("close", () => this.#silent.delete(socket));
      peekProtocol(socket, watched);
    });
  }

  /** Connections that are open, without handshakes. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Cuts the connections on which no call can be: no handshake, or nothing after it. */
  closeSilent(): void {
    this.#tls?.closeUnfinished();
    for (const socket of this.#silent) socket.destroy();
  }

  /** Cuts all connections. */
  closeAll(): void {
    this.closeSilent();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Takes no more connections; resolves when all are closed. */
  close(): Promise<void> {
    const { server } = this.#options;
    if (!server.listening && this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => server.close(() => resolve()));
  }

  /** Lets go of the credentials. */
  [Symbol.dispose](): void {
    this.#tls?.[Symbol.dispose]();
  }

  #ready(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#take(socket);
  }
}

/** The listeners that a server has for connections, as one function, for a front to call. */
export function connectionTaker(server: NetServer): (socket: Socket) => void {
  const takers = server.listeners("connection") as ((socket: Socket) => void)[];
  return (socket) => {
    for (const take of takers) take.call(server, socket);
  };
}
