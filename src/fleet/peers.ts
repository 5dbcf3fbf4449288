import type { ClockTimer } from "../timer.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { type Frame, FrameType } from "./frame.ts";
import { decodeNumbers, encodeNumbers, NUMBER_BYTES } from "./frame-bodies.ts";
import type { Wire } from "./wire.ts";

/** This process was not run for so long beyond a heartbeat: what it has not heard says nothing then. */
const STALL_MS = 2_000;

/** A call between this process and another one. */
export interface PeerCall {
  /** Given by the caller. */
  readonly number: number;
  /** Whether the other side must know of it by now: it has said so, or it has begun it. */
  readonly isKnown: boolean;
  /** Milliseconds on the timer's clock since which the call waits to be known. */
  readonly sinceMs: number;
  /** The other side has gone, or has lost the call. */
  lose(): void;
}

/** OUT: another process runs the call for this one; IN: this one for the other. */
export type Direction = "OUT" | "IN";

/** Another process, with the calls between it and this one. */
class Peer {
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** Silence counts from here at the earliest. */
  watchedFromMs = 0;
  readonly calls = { OUT: new Map<number, PeerCall>(), IN: new Map<number, PeerCall>() };

  get isIdle(): boolean {
    return this.calls.OUT.size + this.calls.IN.size === 0;
  }
}

/** What {@link Peers} work with. */
export interface PeersOptions {
  readonly limits: FleetLimits;
  readonly timer: ClockTimer;
  readonly wire: Wire;
  /** This process has not run for a while. */
  readonly onStall: () => void;
}

/**
 * Watches over the processes with which calls are open: both sides say
 * regularly which calls they have, so that a process that has gone, and a call
 * that only one side has, are noticed. Frames between two processes keep their
 * order, so a list names every call that was begun before it.
 */
export class Peers implements Disposable {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #count = { OUT: 0, IN: 0 };
  #lastBeatMs: number;
  #callOff: () => void;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#lastBeatMs = options.timer.now();
    this.#callOff = options.timer.schedule(options.limits.heartbeatMs, this.#beat);
  }

  /** Open calls of a direction. */
  count(direction: Direction): number {
    return this.#count[direction];
  }

  /** Whether the process has given a sign of life so recently that it needs not be asked. */
  isFresh(id: string): boolean {
    const { timer, limits } = this.#options;
    return timer.now() - (this.#peers.get(id)?.heardAtMs ?? Number.NEGATIVE_INFINITY) < limits.freshMs;
  }

  /** Something came from a process. */
  heard(id: string): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) peer.heardAtMs = this.#options.timer.now();
  }

  /** Whether one more call fits between the two, and in all. */
  hasRoom(id: string, direction: Direction): boolean {
    const { limits, wire } = this.#options;
    const ofPeer = this.#peers.get(id)?.calls[direction].size ?? 0;
    // A list of them has to fit into one frame.
    const most = Math.min(limits.maxCallsPerPeer, Math.floor(wire.maxBodyBytes / NUMBER_BYTES));
    return ofPeer < most && this.#count[direction] < limits.maxCalls;
  }

  add(id: string, direction: Direction, call: PeerCall): void {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = new Peer();
      this.#peers.set(id, peer);
    }
    if (peer.isIdle) peer.watchedFromMs = this.#options.timer.now();
    peer.calls[direction].set(call.number, call);
    this.#count[direction]++;
  }

  remove(id: string, direction: Direction, call: PeerCall): void {
    if (this.#peers.get(id)?.calls[direction].delete(call.number)) this.#count[direction]--;
  }

  /** A process has said which calls it has. */
  pinged({ from, toCaller, body }: Frame): void {
    const numbers = decodeNumbers(body);
    const calls = this.#peers.get(from)?.calls[toCaller ? "OUT" : "IN"] ?? new Map<number, PeerCall>();
    for (const call of [...calls.values()]) {
      if (call.isKnown && !numbers.has(call.number)) call.lose();
    }
    // It believes in calls that are not here: it shall hear so at once.
    if ([...numbers].some((number) => !calls.has(number))) this.#ping(from, !toCaller, calls);
  }

  /** All calls are lost, such as with the connection. */
  loseAll(): void {
    for (const peer of this.#peers.values()) loseCalls(peer);
  }

  [Symbol.dispose](): void {
    this.#callOff();
    this.loseAll();
  }

  readonly #beat = (): void => {
    const { timer, limits, onStall } = this.#options;
    const nowMs = timer.now();
    this.#callOff = timer.schedule(limits.heartbeatMs, this.#beat);
    const hasStalled = nowMs - this.#lastBeatMs > limits.heartbeatMs + STALL_MS;
    this.#lastBeatMs = nowMs;
    if (hasStalled) {
      for (const peer of this.#peers.values()) peer.watchedFromMs = nowMs;
      onStall();
    }
    for (const [id, peer] of [...this.#peers]) this.#watch(id, peer, nowMs);
  };

  #watch(id: string, peer: Peer, nowMs: number): void {
    const { silenceMs } = this.#options.limits;
    const isSilent = nowMs - Math.max(peer.heardAtMs, peer.watchedFromMs) > silenceMs;
    if (isSilent) loseCalls(peer);
    if (peer.isIdle) {
      if (isSilent) this.#peers.delete(id);
      return;
    }
    for (const call of [...peer.calls.OUT.values()]) {
      if (!call.isKnown && nowMs - Math.max(call.sinceMs, peer.watchedFromMs) > silenceMs) call.lose();
    }
    this.#ping(id, false, peer.calls.OUT);
    this.#ping(id, true, peer.calls.IN);
  }

  #ping(id: string, toCaller: boolean, calls: ReadonlyMap<number, PeerCall>): void {
    const body = encodeNumbers([...calls.keys()]);
    this.#options.wire.send(id, { type: FrameType.PING, call: 0, toCaller, body });
  }
}

function loseCalls(peer: Peer): void {
  for (const call of [...peer.calls.OUT.values(), ...peer.calls.IN.values()]) call.lose();
}
