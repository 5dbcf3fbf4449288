import { serviceDraining } from "../rpc/call-ended.ts";
import type { ClockTimer } from "../timer.ts";
import type { AskResult } from "./asks.ts";
import { fleetUnreachable, ownerUnsettled } from "./fleet-errors.ts";
import type { FleetLimits } from "./fleet-options.ts";
import type { OwnedUnit } from "./owned-unit.ts";
import type { OwnedUnits } from "./owned-units.ts";
import type { OwnerRecord, OwnerRecords } from "./owner-records.ts";

/** Where a unit is: here, or in another process. */
export type Route =
  | { readonly kind: "HERE"; readonly entry: OwnedUnit }
  | { readonly kind: "THERE"; readonly owner: string };

/** A server that takes longer was held up itself, and answers of others with it, in milliseconds. */
const PROMPT_MS = 1_000;

/** What a {@link Router} works with. */
export interface RouterOptions {
  readonly instanceId: string;
  readonly records: OwnerRecords;
  readonly units: OwnedUnits;
  readonly ask: (owner: string, unit: string) => Promise<AskResult>;
  /** Whether a process needs not be asked, since it was heard a moment ago. */
  readonly isFresh: (owner: string) => boolean;
  readonly isConnected: () => boolean;
  readonly timer: ClockTimer;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly limits: FleetLimits;
}

/**
 * Finds the owner of a unit, or makes this process its owner when there is
 * none or it does not answer. Calls that look for one unit at the same time
 * share the search.
 */
export class Router {
  readonly #options: RouterOptions;
  /** Owners in other processes; the one that was found first comes first. */
  readonly #known = new Map<string, string>();
  readonly #searches = new Map<string, Promise<Route>>();
  #settledAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Rejects with ServiceError LOG_UNAVAILABLE, OWNER_LOST or DRAINING; nothing was done then. */
  route(unit: string): Promise<Route> {
    const { units, isFresh } = this.#options;
    const entry = units.find(unit);
    if (entry !== undefined && !entry.isDraining) return Promise.resolve({ kind: "HERE", entry });
    const owner = this.#known.get(unit);
    if (owner !== undefined && isFresh(owner)) return Promise.resolve({ kind: "THERE", owner });
    return this.search(unit);
  }

  /** Looks at the record of a unit, whatever is remembered. */
  search(unit: string): Promise<Route> {
    let search = this.#searches.get(unit);
    if (search === undefined) {
      search = this.#search(unit).finally(() => this.#searches.delete(unit));
      this.#searches.set(unit, search);
    }
    return search;
  }

  /** The owner has turned out to be no owner. */
  forget(unit: string, owner: string): void {
    if (this.#known.get(unit) === owner) this.#known.delete(unit);
  }

  /** The connection was lost and is back: others may need a moment longer. */
  reconnected(): void {
    this.#settledAtMs = this.#options.timer.now() + this.#options.limits.settleMs;
  }

  async #search(unit: string): Promise<Route> {
    const { units, records, timer, limits } = this.#options;
    const giveUpAtMs = timer.now() + limits.resolveTimeoutMs;
    do {
      if (!this.#options.isConnected()) throw fleetUnreachable();
      await units.closed(unit);
      const entry = units.find(unit);
      if (entry !== undefined && !entry.isDraining) return { kind: "HERE", entry };
      const record = await records.read(unit);
      const route = await this.#follow(unit, record);
      if (route !== undefined) return route;
      await this.#pause();
    } while (timer.now() < giveUpAtMs);
    throw units.isDraining ? serviceDraining() : ownerUnsettled();
  }

  /** Undefined: look again after a moment. */
  async #follow(unit: string, record: OwnerRecord | undefined): Promise<Route | undefined> {
    const { instanceId, units } = this.#options;
    if (record !== undefined && record.owner !== instanceId && record.owner !== "") {
      const owner = await this.#ownerOf(unit, record);
      if (owner === "UNCLEAR") return undefined;
      if (owner === "IS") {
        this.#remember(unit, record.owner);
        return { kind: "THERE", owner: record.owner };
      }
    }
    // What stands there of this process is from a unit that it has given up, or is about to.
    if (units.find(unit) !== undefined) return undefined;
    const entry = await units.take(unit, record);
    return entry === undefined ? undefined : { kind: "HERE", entry };
  }

  /** Whether the process that a record names is the owner, is not, or may be. */
  async #ownerOf(unit: string, record: OwnerRecord): Promise<"IS" | "IS_NOT" | "UNCLEAR"> {
    const { ask, timer } = this.#options;
    const answer = await ask(record.owner, unit);
    if (answer === "OWNER") return "IS";
    if (answer === "NOT_OWNER") return "IS_NOT";
    if (answer === "NOBODY") return timer.now() < this.#settledAtMs ? "UNCLEAR" : "IS_NOT";
    if (answer === "SILENT") return (await this.#isPrompt(unit, record)) ? "IS_NOT" : "UNCLEAR";
    return "UNCLEAR";
  }

  /** Whether NATS answers at once and the record is the same: only then silence is the owner's own. */
  async #isPrompt(unit: string, record: OwnerRecord): Promise<boolean> {
    const { records, timer } = this.#options;
    const startedAtMs = timer.now();
    const same = (await records.read(unit))?.revision === record.revision;
    return same && timer.now() - startedAtMs < PROMPT_MS;
  }

  #remember(unit: string, owner: string): void {
    this.#known.delete(unit);
    this.#known.set(unit, owner);
    if (this.#known.size <= this.#options.limits.maxRoutes) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  #pause(): Promise<void> {
    const { timer, limits, random } = this.#options;
    return new Promise((resolve) => {
      timer.schedule(limits.retryMs * (0.5 + random()), resolve);
    });
  }
}
