import type { CallContext } from "../rpc/call-context.ts";
import type { SubscriptionContext } from "./subscription-context.ts";

/** What a consumer has to leave for: the end of the process that works on its subscription, or of the one it is connected to. */
export class ConsumerDrain {
  readonly #context: SubscriptionContext;
  readonly #call: CallContext;

  constructor(context: SubscriptionContext, call: CallContext) {
    this.#context = context;
    this.#call = call;
  }

  get draining(): boolean {
    return this.#context.drain.draining || this.#call.drain?.draining === true;
  }

  /** When the consumer must have left, in Unix milliseconds; only once it drains. */
  get stopTime(): number {
    const { drain, drainStopTime, now } = this.#context;
    const ofCaller = now() + (this.#call.drain?.leftMs() ?? Number.POSITIVE_INFINITY);
    return drain.draining ? Math.min(drainStopTime(), ofCaller) : ofCaller;
  }

  /** Calls back when draining begins; the returned function calls it off. */
  onDrain(callback: () => void): () => void {
    const callOff = this.#context.drain.onDrain(callback);
    const callOffCaller = this.#call.drain?.onDrain(callback);
    return () => {
      callOff();
      callOffCaller?.();
    };
  }
}
