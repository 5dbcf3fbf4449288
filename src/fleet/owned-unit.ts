import type { ServiceError } from "../errors.ts";
import type { OpenUnit } from "./unit.ts";

/** A call that runs in a unit here, wherever it came from. */
export interface UnitCall {
  /** Ends it with an error. */
  abort(error: ServiceError): void;
}

/** A unit that this process owns, from the claim until it is given up. */
export class OwnedUnit {
  readonly name: string;
  /** Of its record; another one there means that another process owns the unit. */
  revision: number;
  /** Rejects with ServiceError when the unit could not be opened. */
  readonly opened: Promise<OpenUnit>;
  /** Set once it is open. */
  open: OpenUnit | undefined;
  /** Takes no more calls. */
  isDraining = false;
  readonly #calls = new Set<UnitCall>();
  #onQuiet: (() => void) | undefined;

  constructor(name: string, revision: number, opened: Promise<OpenUnit>) {
    this.name = name;
    this.revision = revision;
    this.opened = opened;
    // Whoever waits for it is told; nobody may.
    opened.catch(() => undefined);
  }

  /** The part of its name before the first dot. */
  get kind(): string {
    return kindOf(this.name);
  }

  /** Whether there is nothing in it and nobody uses it. */
  get isIdle(): boolean {
    return this.#calls.size === 0 && this.open?.isEmpty === true;
  }

  add(call: UnitCall): void {
    this.#calls.add(call);
  }

  remove(call: UnitCall): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#onQuiet?.();
  }

  /** Resolves once no call runs in it. One wait at a time. */
  async quiet(): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => (this.#onQuiet = resolve));
  }

  /** Ends every call that runs in it. */
  abortAll(error: ServiceError): void {
    for (const call of [...this.#calls]) call.abort(error);
  }
}

/** Kind of a unit, by its name. */
export function kindOf(unit: string): string {
  const dot = unit.indexOf(".");
  return dot < 0 ? unit : unit.slice(0, dot);
}
