import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { TlsIdentity } from "../../config/tls-identity.ts";
import { hasBadCertificate, keepPeerIdentity } from "../peer-identity.ts";
import type { TlsCredentials } from "./tls-credentials.ts";

/** A handshake that takes longer than this many milliseconds is cut. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Most handshakes at once on one listener: fewer than its connections, so that stalled ones cannot take all of them. */
export const MAX_HANDSHAKES = 250;
/** Cipher suites of TLS 1.3, and of TLS 1.2 those with forward secrecy and authenticated encryption, which HTTP/2 demands. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** Options of a {@link TlsFront}. */
export interface TlsFrontOptions {
  readonly credentials: TlsCredentials;
  /** Application protocols, best first. */
  readonly protocols: readonly string[];
  /** Default: {@link HANDSHAKE_TIMEOUT_MS}. */
  readonly handshakeTimeoutMs?: number;
  /** Default: {@link MAX_HANDSHAKES}. */
  readonly maxHandshakes?: number;
  /** Takes a connection whose handshake is done. */
  readonly onSecure: (socket: TLSSocket) => void;
}

/** Does the handshakes of a listener. What the credentials become holds for the next connections; those that are open live on. */
export class TlsFront implements Disposable {
  readonly #server: Server;
  readonly #options: TlsFrontOptions;
  readonly #maxHandshakes: number;
  readonly #shaking = new Set<Socket>();
  readonly #unwatch: () => void;

  constructor(options: TlsFrontOptions) {
    this.#options = options;
    this.#maxHandshakes = options.maxHandshakes ?? MAX_HANDSHAKES;
    const { credentials } = options;
    this.#server = createServer({
      ...contextOptions(credentials.identity, credentials),
      ALPNProtocols: [...options.protocols],
      requestCert: credentials.config.clientAuth !== "off",
      rejectUnauthorized: credentials.config.clientAuth === "required",
      handshakeTimeout: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    });
    this.#server.on("secureConnection", (socket) => this.#secured(socket));
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#unwatch = credentials.onChange((identity) =>
      this.#server.setSecureContext(contextOptions(identity, credentials)),
    );
  }

  /** Begins the handshake on a connection; cuts it when too many are under way. */
  accept(socket: Socket): void {
    if (this.#shaking.size >= this.#maxHandshakes) {
      socket.destroy();
      return;
    }
    // Without its end the client cannot finish the handshake, and would keep its place until the timeout.
    socket.allowHalfOpen = false;
    this.#shaking.add(socket);
    socket.once("close", () => this.#shaking.delete(socket));
    this.#server.emit("connection", socket);
  }

  /** Cuts the connections whose handshake is not done. */
  closeUnfinished(): void {
    for (const socket of this.#shaking) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.#unwatch();
    this.closeUnfinished();
  }

  #secured(socket: TLSSocket): void {
    // The TLS socket stands for the one it was made of, which it keeps as its parent.
    this.#shaking.delete(Reflect.get(socket, "_parent") as Socket);
    if (hasBadCertificate(socket)) {
      socket.destroy();
      return;
    }
    keepPeerIdentity(socket);
    this.#options.onSecure(socket);
  }
}

function contextOptions(
  { cert, key, clientCa }: TlsIdentity,
  { config }: Pick<TlsCredentials, "config">,
): TlsOptions {
  return {
    cert,
    key,
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    minVersion: `TLSv${config.minVersion}`,
    ciphers: CIPHERS,
    // A client that renegotiates makes the server work for nothing, and HTTP/2 forbids it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}
