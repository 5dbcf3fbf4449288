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
  readonly #kept = new Set<string>();
  #callOffCheck: () => void;
  #callOffKeep: (() => void) | undefined;
  #isStopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#callOffCheck = options.timer.schedule(options.limits.checkMs, this.#check);
  }

  keep(unit: string): void {
    if (this.#isStopped) return;
    this.#kept.add(unit);
    this.#callOffKeep?.();
    void this.#look();
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
    const { router, units, timer, random, limits, hooks } = this.#options;
    for (const unit of this.#kept) {
      if (units.find(unit) !== undefined) continue;
      try {
        await router.search(unit);
      } catch (error) {
        hooks.onTrouble?.(error);
      }
    }
    if (this.#isStopped) return;
    this.#callOffKeep?.();
    this.#callOffKeep = timer.schedule(limits.keepMs * (0.75 + random() / 2), () => void this.#look());
  }
}
