import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Config } from "./config/config.ts";
import { ServiceError } from "./errors.ts";
import type { Logger } from "./log.ts";
import { MemoryGuard, type MemoryPort } from "./memory-guard.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { systemTimer } from "./timer.ts";

/** Unary methods that take on work; streams do, all of them. */
const TAKE_ON_WORK: ReadonlySet<string> = new Set(["SendMessages", "SubmitMessages", "SendEvents"]);
/** Wait that a refused caller is asked for, in milliseconds. */
const RETRY_DELAY_MS = 2_000;

/** What {@link openMemoryGuard} works with. */
export interface ServiceMemoryOptions {
  readonly config: Config;
  readonly memory: MemoryPort;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Disposes of the guard. */
  readonly owned: AsyncDisposableStack;
}

/** Guards the process against running out of memory. Gives what refuses calls. */
export function openMemoryGuard(
  options: ServiceMemoryOptions,
): (method: DescMethod) => ServiceError | undefined {
  const { config, memory, metrics, log, owned } = options;
  const guard = owned.use(
    new MemoryGuard({
      memory,
      limitBytes: config.limits.memoryBytes,
      timer: systemTimer,
      onChange: (isRefusing, bytes) => {
        if (isRefusing) log.warn("memory is nearly used up; new sends and streams are refused", { bytes });
        else log.info("there is memory again; sends and streams are taken", { bytes });
      },
    }),
  );
  metrics.observeMemory(guard);
  return (method) => (guard.isRefusing && takesOnWork(method) ? memoryShort() : undefined);
}

function takesOnWork({ methodKind, name }: DescMethod): boolean {
  return methodKind !== "unary" || TAKE_ON_WORK.has(name);
}

function memoryShort(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "this instance has nearly used up its memory; repeat the call later, or on another one",
    { metadata: { outcome: "NOT_SENT" }, retryDelayMs: RETRY_DELAY_MS },
  );
}
