import type { CallOptions } from "@connectrpc/connect";
import { ClientPause } from "./client-pause.ts";
import type { FleetMembers } from "./fleet-members.ts";
import { mustBeTransient } from "./transient-failure.ts";

/** Deadline of each call, in milliseconds. */
const CALL_LIMIT_MS = 10_000;

/** Clients of the members of a fleet, one for each address; closed with this object. */
export class FleetClients<C extends Disposable> implements Disposable {
  readonly #fleet: FleetMembers;
  readonly #connect: (address: string) => C;
  readonly #clients = new Map<string, C>();

  constructor(fleet: FleetMembers, connect: (address: string) => C) {
    this.#fleet = fleet;
    this.#connect = connect;
  }

  /** Calls the first of some members that is ready, and calls again, the next one first, until one answers. */
  async call<T>(
    names: readonly string[],
    signal: AbortSignal,
    call: (client: C, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const pause = new ClientPause();
    for (let tries = 0; ; tries++) {
      const first = tries % names.length;
      const member = await this.#fleet.ready([...names.slice(first), ...names.slice(0, first)], signal);
      signal.throwIfAborted();
      const address = member?.addresses?.grpc ?? "";
      try {
        return await call(this.#clientOf(address), { timeoutMs: CALL_LIMIT_MS });
      } catch (error) {
        mustBeTransient(error);
        await pause.wait(signal);
      }
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client[Symbol.dispose]();
    this.#clients.clear();
  }

  #clientOf(address: string): C {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const client = this.#connect(address);
    this.#clients.set(address, client);
    return client;
  }
}
