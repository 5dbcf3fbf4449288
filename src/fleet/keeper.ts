import type { ClockTimer } from "../timer.ts";
import type { FleetHooks, FleetLimits } from "./fleet-options.ts";
import type { OwnedUnits } from "./owned-units.ts";
import type { Router } from "./router.ts";

/** What a {@link Keeper} works with. */
export interface KeeperOptions {
  readonly router: Router;
  readonly units: OwnedUnits;
  readonly timer: ClockTimer;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly limits: FleetLimits;
  readonly hooks: FleetHooks;
  /** Compares the units that are here with their records. */
  readonly check: () => void;
}

/** Looks at regular times whether kept units have an owner, and whether what is owned here still is. */
export class Keeper {
  readonly #options: KeeperOptions;
  /** The kept units, each with why it had no owner when it was looked at last; undefined when it had one. */
  readonly #kept = new Map<string, unknown>();
  #callOffCheck: () => void;
  #callOffKeep: (() => void) | undefined;
  #isStopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#callOffCheck = options.timer.schedule(options.limits.checkMs, this.#check);
  }

  keep(unit: string): void {
    if (this.#isStopped) return;
    this.#kept.set(unit, undefined);
    this.#callOffKeep?.();
    void this.#look();
  }

  /** Why a kept unit had no owner when it was looked at last; undefined when it had one, or is not kept. */
  trouble(unit: string): unknown {
    return this.#kept.get(unit);
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOffCheck();
    this.#callOffKeep?.();
  }

  readonly #check = (): void => {
    const { timer, limits, check } = this.#options;
    check();
    this.#callOffCheck = timer.schedule(limits.checkMs, this.#check);
  };

  /** Never rejects. */
  async #look(): Promise<void> {
    const { timer, random, limits } = this.#options;
    for (const unit of this.#kept.keys()) this.#kept.set(unit, await this.#settle(unit));
    if (this.#isStopped) return;
    this.#callOffKeep?.();
    this.#callOffKeep = timer.schedule(limits.keepMs * (0.75 + random() / 2), () => void this.#look());
  }

  /** Finds a unit's owner or takes it over; gives what stands against that. Never rejects. */
  async #settle(unit: string): Promise<unknown> {
    const { router, units, hooks } = this.#options;
    if (units.find(unit)?.open !== undefined) return undefined;
    try {
      const route = await router.search(unit);
      if (route.kind === "THERE") return undefined;
      // Who opens it tells of a failure.
      return await route.entry.opened.then(
        () => undefined,
        (error: unknown) => error,
      );
    } catch (error) {
      hooks.onTrouble?.(error);
      return error;
    }
  }
}
