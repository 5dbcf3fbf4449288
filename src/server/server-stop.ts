import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Stops a server. Knows which connections have a request in progress: Node
 * takes one that has sent nothing, or half a header, for busy and would wait
 * for it.
 */
export class ServerStop {
  readonly #server: Server;
  /** Requests whose headers are complete and whose answers are not, by connection. */
  readonly #open = new Map<Socket, number>();
  #closed: Promise<void> | undefined;

  /** Watches a server; to be made before it listens. */
  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#accepted(socket));
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      this.#began(request.socket, response);
    server.prependListener("request", onRequest);
    server.prependListener("checkContinue", onRequest);
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Whether it has been told to stop. */
  get isStopping(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * Takes no more connections and ends those without a request at once.
   * Requests in progress have `graceMs` milliseconds; then they are ended too.
   * Resolves when all is closed. Of several calls the shortest grace counts.
   */
  async stop(graceMs: number): Promise<void> {
    this.#closed ??= this.#close();
    const force = setTimeout(() => this.#endAll(), graceMs);
    await this.#closed;
    clearTimeout(force);
  }

  #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const [socket, requests] of this.#open) if (requests === 0) socket.destroy();
    return closed;
  }

  #endAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #accepted(socket: Socket): void {
    if (this.isStopping) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, 0);
    socket.once("close", () => this.#open.delete(socket));
  }

  #began(socket: Socket, response: ServerResponse): void {
    this.#open.set(socket, (this.#open.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (this.#open.get(socket) ?? 1) - 1;
      if (socket.destroyed) return;
      this.#open.set(socket, left);
      // An answer that was begun before the stop has left its connection open.
      if (this.isStopping && left === 0) socket.destroySoon();
    });
  }
}
