import type { Pool } from "undici";
// @ts-expect-error: has no types of its own.
import UndiciPool from "undici/lib/dispatcher/pool.js";

/** What is used of a pool. */
export type HttpPool = Pick<Pool, "dispatch" | "close" | "destroy">;

/**
 * A pool of undici's, without the rest of that package: its index loads fetch, WebSocket, caches and mocks too, which
 * take 8 MiB and 50 ms at start. request() and its like are added by that index too.
 */
export function newPool(origin: string, options: Pool.Options): HttpPool {
  return new UndiciPool(origin, options) as Pool;
}
