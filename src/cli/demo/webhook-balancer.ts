import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Most connections at a time; further ones are closed. */
const MAX_CONNECTIONS = 256;

/**
 * Stands in for the load balancer in front of several intakes: takes TCP
 * connections on one loopback port and passes each on to the next target that
 * takes it.
 */
export class WebhookBalancer implements AsyncDisposable {
  readonly #server: Server;
  readonly #targets: readonly string[];
  readonly #sockets = new Set<Socket>();
  #next = 0;

  private constructor(targets: readonly string[]) {
    this.#targets = targets;
    this.#server = createServer((client) => void this.#serve(client));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** `targets` are host:port. */
  static async start(port: number, targets: readonly string[]): Promise<WebhookBalancer> {
    const balancer = new WebhookBalancer(targets);
    balancer.#server.listen(port, "127.0.0.1");
    await once(balancer.#server, "listening");
    return balancer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Never rejects. */
  async #serve(client: Socket): Promise<void> {
    this.#own(client);
    for (let tries = 0; tries < this.#targets.length; tries++) {
      const target = await this.#connected(this.#targets[this.#next++ % this.#targets.length] ?? "");
      if (target === undefined) continue;
      client.on("close", () => target.destroy());
      target.on("close", () => client.destroy());
      client.pipe(target).pipe(client);
      return;
    }
    client.destroy();
  }

  /** Undefined when nothing listens there. */
  async #connected(address: string): Promise<Socket | undefined> {
    const { hostname, port } = new URL(`tcp://${address}`);
    const socket = connect(Number(port), hostname);
    this.#own(socket);
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      return undefined;
    }
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
