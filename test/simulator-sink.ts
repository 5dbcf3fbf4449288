import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface SinkRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Status to answer, or what to do to the connection instead. */
export type SinkAnswer = number | "reset" | "hang";

/** A webhook receiver on a free port that keeps what it gets. */
export class WebhookSink implements AsyncDisposable {
  readonly received: SinkRequest[] = [];
  readonly #server: Server;
  #waiters: { readonly count: number; readonly wake: () => void }[] = [];

  private constructor(answer: (request: SinkRequest, index: number) => SinkAnswer) {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const taken = {
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      const outcome = answer(taken, this.received.push(taken) - 1);
      if (outcome === "reset") request.socket.resetAndDestroy();
      else if (outcome !== "hang") response.writeHead(outcome).end();
      const due = this.#waiters.filter((waiter) => waiter.count <= this.received.length);
      this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
      for (const waiter of due) waiter.wake();
    });
  }

  static async open(
    answer: (request: SinkRequest, index: number) => SinkAnswer = () => 200,
  ): Promise<WebhookSink> {
    const sink = new WebhookSink(answer);
    await new Promise<void>((resolve) => sink.#server.listen(0, "127.0.0.1", resolve));
    return sink;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Resolves when that many requests have come in all. */
  async until(count: number): Promise<void> {
    if (this.received.length >= count) return;
    await new Promise<void>((wake) => this.#waiters.push({ count, wake }));
  }

  /** Bodies posted to a path, parsed as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  bodies(path: string): any[] {
    return this.received.filter((one) => one.path === path).map((one) => JSON.parse(one.body));
  }

  /** Items of all `results` posted to a path, in order of arrival. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  items(path: string): any[] {
    return this.bodies(path).flatMap((body) => body.results);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
