import { ensureServiceError, type ServiceError } from "../errors.ts";
import { serviceDraining } from "../rpc/call-ended.ts";
import type { ClockTimer } from "../timer.ts";
import { eachBounded } from "./each-bounded.ts";
import { fleetOverloaded, ownerLost, ownerUnsettled } from "./fleet-errors.ts";
import type { FleetHooks, FleetLimits } from "./fleet-options.ts";
import { kindOf, OwnedUnit } from "./owned-unit.ts";
import type { OwnerRecord, OwnerRecords } from "./owner-records.ts";
import type { OpenUnit, OpenUnitHere, UnitKinds } from "./unit.ts";

/** Units that are looked up at one time. */
const PARALLEL = 32;

/** What {@link OwnedUnits} work with. */
export interface OwnedUnitsOptions {
  readonly records: OwnerRecords;
  readonly kinds: UnitKinds;
  readonly limits: FleetLimits;
  readonly timer: ClockTimer;
  readonly hooks: FleetHooks;
}

/** The units that this process owns. */
export class OwnedUnits {
  readonly #options: OwnedUnitsOptions;
  readonly #units = new Map<string, OwnedUnit>();
  /** What is being given up; the unit must not be opened here again before. */
  readonly #closing = new Map<string, Promise<void>>();
  #isDraining = false;
  #drained: Promise<void> | undefined;

  constructor(options: OwnedUnitsOptions) {
    this.#options = options;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  find(unit: string): OwnedUnit | undefined {
    return this.#units.get(unit);
  }

  /** Resolves once nothing of the unit is open here any more. */
  async closed(unit: string): Promise<void> {
    await this.#closing.get(unit);
  }

  /** Units by kind. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { kind } of this.#units.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  }

  /**
   * Makes this process the owner in place of a record, and begins to open the unit; undefined when another
   * process was faster. Rejects with ServiceError.
   */
  async take(unit: string, from: OwnerRecord | undefined): Promise<OwnedUnit | undefined> {
    const open = this.#options.kinds[kindOf(unit)];
    if (this.#isDraining) throw serviceDraining();
    if (open === undefined) throw ownerUnsettled();
    if (this.#units.size >= this.#options.limits.maxUnits) throw fleetOverloaded("too many units are open");
    const revision = await this.#options.records.claim(unit, from);
    if (revision === undefined) return undefined;
    if (this.#isDraining) {
      await this.#release(unit, revision);
      throw serviceDraining();
    }
    const opening = openOrFail(open, unit);
    const entry = new OwnedUnit(unit, revision, opening);
    this.#units.set(unit, entry);
    this.#options.hooks.onTaken?.(unit, from?.owner || undefined);
    void opening.then(
      (opened) => this.#opened(entry, opened),
      (error: ServiceError) => this.#failed(entry, error),
    );
    return entry;
  }

  /** Another process has the unit, or it has failed: ends what runs in it. Never rejects. */
  lose(entry: OwnedUnit, reason: Error): void {
    if (this.#units.get(entry.name) !== entry) return;
    this.#options.hooks.onLost?.(entry.name, reason);
    this.#close(entry, ownerLost(reason));
  }

  /** Gives a unit up when there is nothing in it. */
  settle(entry: OwnedUnit): void {
    if (!entry.isIdle || this.#units.get(entry.name) !== entry || entry.isDraining) return;
    this.#options.hooks.onGivenUp?.(entry.name);
    this.#close(entry, ownerLost());
  }

  /** Compares all units with their records, and loses those that others have. Never rejects. */
  async check(): Promise<void> {
    await eachBounded([...this.#units.values()], PARALLEL, (entry) => this.#check(entry));
  }

  /** Lets all units drain and gives them up; takes no more. Never rejects. */
  drain(): Promise<void> {
    this.#drained ??= this.#drainAll();
    return this.#drained;
  }

  /** Gives all units up at once. Never rejects. */
  async close(): Promise<void> {
    this.#isDraining = true;
    for (const entry of [...this.#units.values()]) this.#close(entry, ownerLost());
    await Promise.all(this.#closing.values());
  }

  async #drainAll(): Promise<void> {
    this.#isDraining = true;
    const { timer, limits } = this.#options;
    const { promise: grace, resolve } = Promise.withResolvers<void>();
    const callOff = timer.schedule(limits.drainMs, resolve);
    // All at once: none that takes its time may keep the others from being told, or add to the time of all.
    await Promise.all(Array.from(this.#units.values(), (entry) => this.#drain(entry, grace)));
    callOff();
    await Promise.all(this.#closing.values());
  }

  #opened(entry: OwnedUnit, opened: OpenUnit): void {
    entry.open = opened;
    const { lost } = opened;
    const onLost = (): void => this.lose(entry, lost.reason instanceof Error ? lost.reason : ownerLost());
    lost.addEventListener("abort", onLost, { once: true });
    if (lost.aborted) onLost();
  }

  #failed(entry: OwnedUnit, error: ServiceError): void {
    this.#options.hooks.onTrouble?.(error);
    if (this.#units.get(entry.name) === entry) this.#close(entry, error);
  }

  async #check(entry: OwnedUnit): Promise<void> {
    const { records, hooks } = this.#options;
    try {
      const record = await records.read(entry.name);
      if (record?.revision === entry.revision || this.#units.get(entry.name) !== entry) return;
      // A record that is gone was removed by hand; whoever writes it first has the unit.
      const revision = record === undefined ? await records.claim(entry.name, undefined) : undefined;
      if (revision === undefined) this.lose(entry, new Error("another instance has taken the unit over"));
      else entry.revision = revision;
    } catch (error) {
      hooks.onTrouble?.(error);
    }
  }

  async #drain(entry: OwnedUnit, grace: Promise<void>): Promise<void> {
    entry.isDraining = true;
    const { hooks } = this.#options;
    try {
      await Promise.race([grace, drainUnit(entry)]);
    } catch (error) {
      hooks.onTrouble?.(error);
    }
    if (this.#units.get(entry.name) !== entry) return;
    hooks.onGivenUp?.(entry.name);
    // What has not ended by now may have taken effect.
    this.#close(entry, ownerLost());
  }

  #close(entry: OwnedUnit, error: ServiceError): void {
    const { name } = entry;
    this.#units.delete(name);
    entry.abortAll(error);
    const closing = this.#dispose(entry).finally(() => this.#closing.delete(name));
    this.#closing.set(name, closing);
  }

  /** Never rejects. The record goes last: whoever finds none may open the unit. */
  async #dispose(entry: OwnedUnit): Promise<void> {
    try {
      const open = await entry.opened.catch(() => undefined);
      await open?.[Symbol.asyncDispose]();
    } catch (error) {
      this.#options.hooks.onTrouble?.(error);
    }
    await this.#release(entry.name, entry.revision);
  }

  async #release(unit: string, revision: number): Promise<void> {
    try {
      await this.#options.records.release(unit, revision);
    } catch (error) {
      // It stays until another process finds that nobody answers for it.
      this.#options.hooks.onTrouble?.(error);
    }
  }
}

async function openOrFail(open: OpenUnitHere, unit: string): Promise<OpenUnit> {
  try {
    return await open(unit);
  } catch (error) {
    throw ensureServiceError(error);
  }
}

/** What is under way when the unit has drained still gets its answer. */
async function drainUnit(entry: OwnedUnit): Promise<void> {
  const open = await entry.opened;
  await open.drain();
  await entry.quiet();
}
