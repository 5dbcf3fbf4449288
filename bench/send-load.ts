import { announce, startChildServer } from "./child-server.ts";
import { openCaller, type SendCaller, type SendTarget } from "./send-callers.ts";
import { percentile } from "./statistics.ts";

/** One phase of calls. */
export interface LoadPlan {
  readonly target: SendTarget;
  /** Calls at one time: the next begins when one is answered. */
  readonly inFlight: number;
  /** No call begins after this time. */
  readonly milliseconds: number;
  /** Calls in all, at most. Default: no bound but the time. */
  readonly maxCalls?: number;
}

/** What a phase came to. */
export interface LoadResult {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Callers in a process of their own. */
export interface SendLoad extends AsyncDisposable {
  /** Runs one phase; connections stay open for the next one of the same kind. Rejects when a call failed. */
  run(plan: LoadPlan): Promise<LoadResult>;
}

const WARM_UP_IN_FLIGHT = 128;

/** How long a way of calling is used before it is measured, so that what is measured then runs compiled. */
export interface WarmUpSize {
  /** Calls that are not counted. */
  readonly warmUpCalls: number;
  /** Longest time for them, in milliseconds. */
  readonly warmUpMs: number;
}

/** Makes calls that are not counted. */
export async function warmUp(load: SendLoad, target: SendTarget, size: WarmUpSize): Promise<void> {
  await load.run({
    target,
    inFlight: WARM_UP_IN_FLIGHT,
    milliseconds: size.warmUpMs,
    maxCalls: size.warmUpCalls,
  });
}

/** Starts the process. */
export async function startLoad(): Promise<SendLoad> {
  const child = await startChildServer(new URL(import.meta.url));
  return {
    async run(plan) {
      const answer = (await child.ask(plan)) as LoadResult | { readonly error: string };
      if ("error" in answer) throw new Error(`${plan.target.protocol}: ${answer.error}`);
      return answer;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Keeps `inFlight` calls going for a time. */
async function runPhase(caller: SendCaller, plan: LoadPlan): Promise<LoadResult> {
  const { inFlight, milliseconds, maxCalls = Number.POSITIVE_INFINITY } = plan;
  let begun = 0;
  const latencies: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + milliseconds;
  const lane = async (): Promise<void> => {
    for (let at = performance.now(); at < until && begun < maxCalls; ) {
      begun++;
      await caller.call();
      const now = performance.now();
      latencies.push(now - at);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    calls: latencies.length,
    callsPerSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}

function serve(): void {
  /** One for each kind of phase that the benchmark has. */
  const callers = new Map<string, Promise<SendCaller>>();
  const run = async (plan: LoadPlan): Promise<LoadResult> => {
    const key = JSON.stringify([plan.target, plan.inFlight]);
    const opened = callers.get(key) ?? openCaller(plan.target, plan.inFlight);
    callers.set(key, opened);
    return runPhase(await opened, plan);
  };
  process.on("message", (plan: LoadPlan) => {
    run(plan).then(
      (result) => process.send?.(result),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
  announce("");
}

if (process.argv[1] === new URL(import.meta.url).pathname) serve();
