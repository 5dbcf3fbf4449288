import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  AckFailureReason,
  type AckResult,
  type SubscribeRequestSchema,
} from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { ClientPorts } from "./ports.ts";

/** Wait before what could not be stored is said again, in milliseconds. */
const AGAIN_MS = 1_000;

/** One frame of the consumer. */
export type FrameInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["frame"]>;

/** How one event is settled, and who waits for it. */
interface Settlement {
  readonly id: string;
  readonly kind: "ack" | "nack";
  readonly delayMs: number | undefined;
  readonly tell: (isStored: boolean) => void;
}

/**
 * The acknowledgements of one session. Those of one turn of the event loop go out in one frame, and each frame has one
 * answer, in order. What could not be stored is said again for as long as the session lives. The session holds no more
 * than `max_outstanding` events, which bounds what is kept here.
 */
export class Settlements {
  readonly #send: (frame: FrameInit) => void;
  readonly #ports: ClientPorts;
  readonly #onSettled: () => void;
  #collected: Settlement[] = [];
  readonly #unanswered: Settlement[][] = [];
  readonly #retries = new Set<() => void>();
  #isOver = false;
  #open = 0;

  /** `onSettled` is told whenever something was answered. */
  constructor(send: (frame: FrameInit) => void, ports: ClientPorts, onSettled: () => void) {
    this.#send = send;
    this.#ports = ports;
    this.#onSettled = onSettled;
  }

  /** Events whose settlement has not been answered. */
  get open(): number {
    return this.#open;
  }

  settle(id: string, kind: "ack" | "nack", delayMs?: number): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    this.#open++;
    return new Promise((tell) => this.#collect([{ id, kind, delayMs, tell }]));
  }

  answered({ failures }: AckResult): void {
    const failed = new Map(failures.map(({ eventId, reason }) => [eventId, reason]));
    const again: Settlement[] = [];
    for (const settlement of this.#unanswered.shift() ?? []) {
      const reason = failed.get(settlement.id);
      if (reason === AckFailureReason.LOG_UNAVAILABLE) again.push(settlement);
      else this.#tell(settlement, reason === undefined);
    }
    if (again.length > 0) this.#sayAgain(again);
    this.#onSettled();
  }

  /** The session is over: what was not answered is not known. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const cancel of this.#retries) cancel();
    for (const settlement of [...this.#unanswered.flat(), ...this.#collected]) this.#tell(settlement, false);
    this.#unanswered.length = 0;
    this.#collected = [];
    this.#onSettled();
  }

  #collect(settlements: readonly Settlement[]): void {
    if (this.#collected.length === 0) setImmediate(() => this.#flush());
    this.#collected.push(...settlements);
  }

  #flush(): void {
    if (this.#isOver) return;
    const frames = new Map<string, Settlement[]>();
    for (const settlement of this.#collected) {
      const key = `${settlement.kind} ${settlement.delayMs ?? ""}`;
      const frame = frames.get(key);
      if (frame === undefined) frames.set(key, [settlement]);
      else frame.push(settlement);
    }
    this.#collected = [];
    for (const frame of frames.values()) {
      this.#unanswered.push(frame);
      this.#send(frameOf(frame));
    }
  }

  #sayAgain(settlements: readonly Settlement[]): void {
    let cancel = (): void => undefined;
    const again = (): void => {
      this.#retries.delete(cancel);
      for (const settlement of settlements) if (this.#isOver) this.#tell(settlement, false);
      if (!this.#isOver) this.#collect(settlements);
    };
    const calledOff = this.#ports.schedule(AGAIN_MS, again);
    cancel = () => {
      calledOff();
      again();
    };
    this.#retries.add(cancel);
  }

  #tell({ tell }: Settlement, isStored: boolean): void {
    this.#open--;
    tell(isStored);
  }
}

function frameOf(settlements: readonly Settlement[]): FrameInit {
  const eventIds = settlements.map(({ id }) => id);
  const [first] = settlements;
  if (first?.kind !== "nack") return { case: "ack", value: { eventIds } };
  const delay = first.delayMs === undefined ? undefined : durationFromMs(first.delayMs);
  return { case: "nack", value: { eventIds, delay } };
}
