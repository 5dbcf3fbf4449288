import { Pool } from "undici";

/** Posts webhook bodies over a few connections. */
export class WebhookPoster implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #path: string;

  constructor(url: string, connections: number) {
    const { origin, pathname } = new URL(url);
    this.#pool = new Pool(origin, { connections, pipelining: 1 });
    this.#path = pathname;
  }

  /** Posts one body. Rejects when the answer is not 200. */
  async post(body: string): Promise<void> {
    const answer = await this.#pool.request({
      path: this.#path,
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`webhook answered ${answer.statusCode}: ${text}`);
  }

  /** Posts all bodies, `inFlight` at a time. */
  async postAll(bodies: readonly string[], inFlight: number): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < bodies.length) await this.post(bodies[next++] ?? "");
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
