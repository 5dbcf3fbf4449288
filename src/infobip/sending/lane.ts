import type { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { Flow } from "./flow.ts";

/** The flows of one channel that have something to do, in the order of their turns. */
export class Lane {
  readonly channel: Channel;
  readonly #byName = new Map<string, Flow>();
  first: Flow | undefined;
  #last: Flow | undefined;
  /** Of all its flows. */
  messages = 0;
  /** Who is next while a batch is filled; undefined: nobody more in this pass. */
  next: Flow | undefined;
  /** Messages of the flows that were asked in this pass and have kept their place. */
  askedMessages = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  get size(): number {
    return this.#byName.size;
  }

  find(name: string): Flow | undefined {
    return this.#byName.get(name);
  }

  /** Puts a flow that is on no lane at the end. */
  add(flow: Flow): void {
    this.#byName.set(flow.name, flow);
    this.#append(flow);
  }

  moveToEnd(flow: Flow): void {
    if (flow === this.#last) return;
    this.#unlink(flow);
    this.#append(flow);
  }

  remove(flow: Flow): void {
    this.#unlink(flow);
    this.#byName.delete(flow.name);
  }

  #append(flow: Flow): void {
    flow.previous = this.#last;
    if (this.#last) this.#last.next = flow;
    else this.first = flow;
    this.#last = flow;
  }

  #unlink(flow: Flow): void {
    if (flow.previous) flow.previous.next = flow.next;
    else this.first = flow.next;
    if (flow.next) flow.next.previous = flow.previous;
    else this.#last = flow.previous;
    flow.next = undefined;
    flow.previous = undefined;
  }
}
