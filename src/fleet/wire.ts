import type { Msg, Subscription } from "@nats-io/transport-node";
import type { NatsLink } from "../nats/nats-link.ts";
import { decodeFrame, encodeFrame, FRAME_HEADER_BYTES, type Frame, type FrameType } from "./frame.ts";

/** Bytes of a NATS message that are left free for what servers add. */
const HEADROOM_BYTES = 1024;
const NO_BYTES = new Uint8Array();

/** What a frame holds beside what the wire fills in. */
export interface FrameHead {
  readonly type: FrameType;
  readonly call: number;
  readonly toCaller?: boolean;
  readonly isLast?: boolean;
  readonly sequence?: number;
  readonly body?: Uint8Array;
}

/** What the wire tells. Must not throw. */
export interface WireListener {
  readonly onFrame: (frame: Frame) => void;
  /** Nobody listens under the instance to which a frame of this call was sent. */
  readonly onNobody: (call: number) => void;
}

/**
 * Frames between the processes of a fleet, as NATS core messages: each
 * instance listens on a subject of its own. Whoever may publish to
 * `<prefix>.fleet.>` can call any method of any unit, so the accounts of a
 * NATS server must keep it to the instances of this service.
 */
export class Wire implements Disposable {
  readonly #link: NatsLink;
  readonly #base: string;
  readonly #instanceId: string;
  readonly #listener: WireListener;
  readonly #subscription: Subscription;

  constructor(link: NatsLink, prefix: string, instanceId: string, listener: WireListener) {
    this.#link = link;
    this.#base = `${prefix.toLowerCase()}.fleet`;
    this.#instanceId = instanceId;
    this.#listener = listener;
    this.#subscription = link.connection.subscribe(`${this.#base}.${instanceId}.>`, {
      callback: (error, message) => {
        if (error === null) this.#received(message);
      },
    });
  }

  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  /** Most bytes of one frame's body. */
  get maxBodyBytes(): number {
    return this.#link.maxPayload - FRAME_HEADER_BYTES - HEADROOM_BYTES;
  }

  /**
   * Sends a frame; false when there is no connection, and nothing was sent. `asks`: tell when nobody listens
   * under the instance.
   */
  send(to: string, head: FrameHead, asks = false): boolean {
    if (!this.#link.isConnected) return false;
    const { type, call, toCaller = false, isLast = true, sequence = 0, body = NO_BYTES } = head;
    const frame = { type, toCaller, isLast, from: this.#instanceId, call, sequence, body };
    const reply = asks ? { reply: `${this.#base}.${this.#instanceId}.none.${call}` } : undefined;
    try {
      this.#link.connection.publish(`${this.#base}.${to}.in`, encodeFrame(frame), reply);
      return true;
    } catch {
      // Closed or about to be, which is as good as not connected.
      return false;
    }
  }

  /** Waits until the server knows that this instance listens. Resolves with the server's words when it lets it not listen, or not publish. */
  async refusal(): Promise<string | undefined> {
    const { connection } = this.#link;
    const own = `${this.#base}.${this.#instanceId}.`;
    connection.publish(`${own}in`, NO_BYTES);
    await connection.flush();
    const said = this.#link.lastRefusal;
    return said?.includes(own) ? said : undefined;
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }

  #received(message: Msg): void {
    const { data } = message;
    if (data.length === 0) {
      const call = Number(message.subject.slice(message.subject.lastIndexOf(".") + 1));
      if (message.headers?.code === 503) this.#listener.onNobody(call);
      return;
    }
    const frame = decodeFrame(data);
    if (frame !== undefined) this.#listener.onFrame(frame);
  }
}
