import type { ChildServer } from "./child-server.ts";
import { startNaiveGateway } from "./peers/naive-gateway.ts";
import { startUncoalescedGateway } from "./peers/uncoalesced-gateway.ts";
import type { Row } from "./row.ts";
import type { SendTarget } from "./send-callers.ts";
import { type SendLoad, startLoad, type WarmUpSize, warmUp } from "./send-load.ts";
import { startService } from "./service-process.ts";
import { median, round } from "./statistics.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

const IN_FLIGHT = 128;
const CONNECTIONS = 4;
const CPU_BUDGET = 0.2;
const REQUESTS_BUDGET = 0.1;

/** How much is measured. */
export interface SendCpuSize extends WarmUpSize {
  /** Length of one phase: one way of calling, in one round. */
  readonly phaseMs: number;
  readonly rounds: number;
}

/** One way of sending that is measured: a gateway and how it is called. */
interface Contender {
  readonly gateway: Pick<ChildServer, "cpuMicroseconds">;
  readonly target: SendTarget;
}

/** What one phase of a contender took. */
interface Phase {
  /** CPU of the gateway, in microseconds. */
  readonly usPerCall: number;
  readonly upstreamPerCall: number;
  readonly callsPerSecond: number;
}

/**
 * CPU that a SendMessages call costs the gateway at 128 in flight, by the
 * system's accounting for all its threads, against the peers that answer the
 * same calls from the same upstream. All take turns in every round, so that
 * what else the machine does weighs on each of them.
 * The naive gateway of the budget does not validate, which makes it cheaper and
 * the budget stricter.
 */
export async function measureSendCpu(size: SendCpuSize): Promise<Row[]> {
  await using upstream = await startUpstream();
  await using load = await startLoad();
  const settings = { UPSTREAM_BASE_URL: upstream.url, HTTP_LISTEN: "127.0.0.1:0" };
  await using service = await startService(settings);
  await using relaxed = await startService({ ...settings, EVENTS_SEND_RESULTS: "relaxed" });
  await using naive = await startNaiveGateway(upstream.url, { validate: false });
  await using validating = await startNaiveGateway(upstream.url, { validate: true });
  await using uncoalesced = await startUncoalescedGateway(upstream.url);
  const contenders = {
    service: { gateway: service, target: target("grpc", service.grpc) },
    requestIds: { gateway: service, target: target("grpc", service.grpc, { requestIds: true }) },
    stream: { gateway: service, target: target("stream", service.grpc, { connections: 1 }) },
    connect: { gateway: service, target: target("connect", service.http) },
    relaxed: { gateway: relaxed, target: target("grpc", relaxed.grpc) },
    naive: { gateway: naive, target: target("grpc", naive.address) },
    naiveConnect: { gateway: naive, target: target("connect", naive.address) },
    validating: { gateway: validating, target: target("grpc", validating.address) },
    uncoalesced: { gateway: uncoalesced, target: target("grpc", uncoalesced.address) },
  };
  const phases = await runRounds(contenders, { load, upstream }, size);
  return rowsOf(phases);
}

function target(
  protocol: SendTarget["protocol"],
  address: string,
  { requestIds = false, connections = CONNECTIONS } = {},
): SendTarget {
  return { protocol, address, connections, requestIds };
}

/** Runs every contender once a round, in turns of changing order. */
async function runRounds<K extends string>(
  contenders: Readonly<Record<K, Contender>>,
  rig: { readonly load: SendLoad; readonly upstream: Upstream },
  size: SendCpuSize,
): Promise<Record<K, Phase[]>> {
  const names = Object.keys(contenders) as K[];
  const phases = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, Phase[]>;
  for (const name of names) await warmUp(rig.load, contenders[name].target, size);
  for (let r = 0; r < size.rounds; r++) {
    for (const name of r % 2 === 0 ? names : names.toReversed()) {
      phases[name].push(await runPhase(contenders[name], rig, size.phaseMs));
    }
  }
  return phases;
}

async function runPhase(
  { gateway, target }: Contender,
  { load, upstream }: { readonly load: SendLoad; readonly upstream: Upstream },
  milliseconds: number,
): Promise<Phase> {
  const asked = await upstream.counts();
  const used = gateway.cpuMicroseconds();
  const { calls, callsPerSecond } = await load.run({ target, inFlight: IN_FLIGHT, milliseconds });
  const usPerCall = (gateway.cpuMicroseconds() - used) / calls;
  const { requests, messages } = await upstream.counts();
  if (messages - asked.messages !== calls) throw new Error("the upstream did not get each message once");
  return { usPerCall, upstreamPerCall: (requests - asked.requests) / calls, callsPerSecond };
}

type Phases = Readonly<
  Record<
    | "service"
    | "requestIds"
    | "stream"
    | "connect"
    | "relaxed"
    | "naive"
    | "naiveConnect"
    | "validating"
    | "uncoalesced",
    readonly Phase[]
  >
>;

function rowsOf(phases: Phases): Row[] {
  const { service, requestIds, stream, connect, relaxed, naive, naiveConnect, validating, uncoalesced } =
    phases;
  const each = service.map((phase) => phase.upstreamPerCall);
  return [
    { ...ratio("send-cpu", "SendMessages over gRPC", service, naive), budget: CPU_BUDGET },
    {
      name: "send-requests",
      what: "upstream requests for each SendMessages, 128 in flight",
      measured: round(median(each)),
      unit: "a call",
      budget: REQUESTS_BUDGET,
      details: { requests_per_call: each.map(round) },
    },
    ratio("send-cpu-request-id", "SendMessages with request_id", requestIds, naive),
    ratio("send-cpu-relaxed", "SendMessages, send_results relaxed", relaxed, naive),
    ratio("send-cpu-stream", "a send within StreamMessages", stream, naive),
    ratio("send-cpu-connect", "SendMessages over Connect", connect, naiveConnect),
    ratio(
      "send-cpu-validating",
      "SendMessages over gRPC",
      service,
      validating,
      "the naive one that validates",
    ),
    ratio("send-cpu-uncoalesced", "SendMessages over gRPC", service, uncoalesced, "grpc-js + undici"),
  ];
}

function ratio(
  name: string,
  what: string,
  ours: readonly Phase[],
  theirs: readonly Phase[],
  peer = "the naive gateway",
): Row {
  const ratios = ours.map((phase, r) => phase.usPerCall / (theirs[r]?.usPerCall ?? Number.NaN));
  return {
    name,
    what: `CPU of ${what}, 128 in flight, against ${peer}`,
    measured: round(median(ratios)),
    unit: "x",
    details: {
      service_us_per_call: ours.map((phase) => round(phase.usPerCall)),
      peer_us_per_call: theirs.map((phase) => round(phase.usPerCall)),
      service_calls_per_second: ours.map((phase) => round(phase.callsPerSecond)),
      peer_calls_per_second: theirs.map((phase) => round(phase.callsPerSecond)),
    },
  };
}
