import { createConnection, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TlsOptions } from "@nats-io/transport-node";
import { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

type Target = Parameters<NodeTransport["connect"]>[0];
type Options = Parameters<NodeTransport["connect"]>[1];

/**
 * The client library's socket, with what it leaves open: a bound on what waits
 * to be sent, an end for a connection whose peer has stopped reading (the
 * library would wait until it has flushed), an end for dials that hang, and a
 * check of certificates against addresses without a name.
 */
export class Transport extends NodeTransport {
  readonly #maxUnsentBytes: number;
  #dialing: Socket | undefined;
  #host = "";

  /** @param maxUnsentBytes Bytes that may wait for the peer to read; past it the connection ends. */
  constructor(maxUnsentBytes: number) {
    super();
    this.#maxUnsentBytes = maxUnsentBytes;
  }

  override connect(target: Target, options: Options): Promise<void> {
    this.#host = target.tlsName || target.hostname;
    return super.connect(target, options);
  }

  override startTLS(): Promise<TLSSocket> {
    // Without a name Node checks the certificate against "localhost", unless it is told the host.
    this.options = { ...this.options, tls: { ...this.options.tls, host: this.#host } as TlsOptions };
    return super.startTLS();
  }

  override dial(target: { hostname: string; port: number }): Promise<Socket> {
    const socket = createConnection(target.port, target.hostname);
    this.#dialing = socket;
    socket.setNoDelay(true);
    return new Promise((resolve, reject) => {
      let failure = new Error("the connection was closed while it was made");
      socket.once("error", (error) => {
        failure = error;
      });
      socket.once("close", () => {
        socket.removeAllListeners();
        reject(failure);
      });
      socket.once("connect", () => {
        socket.removeAllListeners();
        resolve(socket);
      });
    });
  }

  override send(frame: Uint8Array): void {
    if (this.socket?.writableLength > this.#maxUnsentBytes) {
      this.socket.destroy(
        new Error(`more than ${this.#maxUnsentBytes} bytes wait for the server to read them`),
      );
      return;
    }
    super.send(frame);
  }

  override disconnect(): void {
    this.socket?.destroy();
    super.disconnect();
  }

  override discard(): void {
    super.discard();
    this.#dialing?.destroy();
  }
}
