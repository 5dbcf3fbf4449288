import { PublishConflict } from "../nats/publisher.ts";
import type { Values } from "../nats/values.ts";

/** Who owns a unit, as it is written. */
export interface OwnerRecord {
  /** Instance id; empty when it cannot be read. */
  readonly owner: string;
  readonly revision: number;
}

/** The records of who owns which unit, changed by compare-and-set only. All methods reject as {@link Values} do. */
export class OwnerRecords {
  readonly #values: Values;
  readonly #instanceId: string;
  readonly #now: () => number;

  constructor(values: Values, instanceId: string, now: () => number) {
    this.#values = values;
    this.#instanceId = instanceId;
    this.#now = now;
  }

  async read(unit: string): Promise<OwnerRecord | undefined> {
    const value = await this.#values.get(unit);
    if (value === undefined) return undefined;
    return { owner: ownerOf(value.data), revision: value.revision };
  }

  /** Makes this process the owner in place of a record; undefined when somebody else was faster. */
  async claim(unit: string, from: OwnerRecord | undefined): Promise<number | undefined> {
    const record = { owner: this.#instanceId, sinceMs: this.#now() };
    try {
      const expectedRevision = from?.revision ?? 0;
      return await this.#values.put(unit, Buffer.from(JSON.stringify(record)), { expectedRevision });
    } catch (error) {
      if (error instanceof PublishConflict) return undefined;
      throw error;
    }
  }

  /** Removes the record that this process wrote; leaves another one as it is. */
  release(unit: string, revision: number): Promise<void> {
    return this.#values.delete(unit, revision);
  }
}

function ownerOf(data: Uint8Array): string {
  try {
    const { owner }: { readonly owner?: unknown } = JSON.parse(Buffer.from(data).toString("utf8"));
    return typeof owner === "string" ? owner : "";
  } catch {
    return "";
  }
}
