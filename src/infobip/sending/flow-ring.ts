import { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import { Flow } from "./flow.ts";
import { Lane } from "./lane.ts";
import type { SendJob } from "./send-queue.ts";

/**
 * All flows that have something to do, in the order of their turns. They stand
 * in lanes by channel, so that all of a channel that can send nothing are
 * passed over at once.
 */
export class FlowRing {
  readonly #byChannel = new Map<Channel, Lane>();
  readonly #credit: number;
  #size = 0;
  #turns = 0;
  /** There are no more of them than channels. */
  readonly lanes: Lane[] = [];

  /** `credit` is what a flow begins with. */
  constructor(credit: number) {
    this.#credit = credit;
  }

  get size(): number {
    return this.#size;
  }

  /** How many flows there are on a channel. */
  sizeOn(channel: Channel): number {
    return this.#byChannel.get(channel)?.size ?? 0;
  }

  /** The flow of a job, if it has anything to do. */
  find(job: SendJob): Flow | undefined {
    return this.#byChannel.get(channelOf(job))?.find(job.flow);
  }

  /** The flow of a job, at the end of the ring if there is none. */
  ensure(job: SendJob): Flow {
    const lane = this.#laneOf(channelOf(job));
    let flow = lane.find(job.flow);
    if (!flow) {
      flow = new Flow(job.flow, lane, this.#credit);
      flow.turn = ++this.#turns;
      lane.add(flow);
      this.#size++;
    }
    return flow;
  }

  moveToEnd(flow: Flow): void {
    flow.turn = ++this.#turns;
    flow.lane.moveToEnd(flow);
  }

  remove(flow: Flow): void {
    flow.lane.remove(flow);
    this.#size--;
  }

  /** Begins a pass over all flows. */
  beginPass(): void {
    for (const lane of this.lanes) {
      lane.next = lane.first;
      lane.askedMessages = 0;
    }
  }

  #laneOf(channel: Channel): Lane {
    let lane = this.#byChannel.get(channel);
    if (!lane) {
      lane = new Lane(channel);
      this.#byChannel.set(channel, lane);
      this.lanes.push(lane);
    }
    return lane;
  }
}

/** The channel that a job's flow is on: the first of its channels. */
export function channelOf({ channels }: SendJob): Channel {
  return channels[0]?.channel ?? Channel.UNSPECIFIED;
}
