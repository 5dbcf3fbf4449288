import type { Meter } from "@opentelemetry/api";

/** What is read of the guard of memory. */
export interface ObservedMemory {
  /** Bytes; undefined: nothing limits it. */
  readonly limitBytes: number | undefined;
  /** Whether new work is refused. */
  readonly isRefusing: boolean;
}

/** Tells how the memory limit is. Says nothing where there is none. */
export class MemoryMetrics {
  #memory: ObservedMemory | undefined;

  /** There is a guard. */
  observe(memory: ObservedMemory): void {
    this.#memory = memory;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    meter
      .createObservableGauge("infobip_rpc_memory_limit_bytes", {
        description: "Memory within 5 % of which new sends and streams are refused.",
      })
      .addCallback((result) => {
        if (this.#memory?.limitBytes !== undefined) result.observe(this.#memory.limitBytes);
      });
    meter
      .createObservableGauge("infobip_rpc_memory_refusing", {
        description: "1 while new sends and streams are refused for want of memory, else 0.",
      })
      .addCallback((result) => {
        if (this.#memory?.limitBytes !== undefined) result.observe(this.#memory.isRefusing ? 1 : 0);
      });
  }
}
