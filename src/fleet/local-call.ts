import type { DescMethodBiDiStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import type { OwnedUnit, UnitCall } from "./owned-unit.ts";
import { LocalCallContext } from "./unit-call-context.ts";

/** A call that came to this process for a unit that is here. Disposing of it lets go of the caller's signal. */
export class LocalCall implements UnitCall, Disposable {
  readonly #entry: OwnedUnit;
  readonly #caller: CallContext;
  readonly #onEnd: () => void;
  readonly #abort = new AbortController();

  /** `onEnd` is called once the call is over. */
  constructor(entry: OwnedUnit, caller: CallContext, onEnd: () => void) {
    this.#entry = entry;
    this.#caller = caller;
    this.#onEnd = onEnd;
    entry.add(this);
    caller.signal.addEventListener("abort", this.#onAbort);
    if (caller.signal.aborted) this.#onAbort();
  }

  async unary(method: DescMethodUnary, request: Message): Promise<Message> {
    const { signal } = this.#abort;
    const unit = await orCallEnded(this.#entry.opened, signal);
    return orCallEnded(unit.unary(method, request, new LocalCallContext(this.#caller, signal)), signal);
  }

  async *bidi(
    method: DescMethodBiDiStreaming,
    requests: AsyncIterable<Message>,
  ): AsyncGenerator<EncodedMessage> {
    const { signal } = this.#abort;
    const unit = await orCallEnded(this.#entry.opened, signal);
    yield* unit.bidi(method, requests, new LocalCallContext(this.#caller, signal));
  }

  abort(error: ServiceError): void {
    this.#abort.abort(error);
  }

  [Symbol.dispose](): void {
    this.#caller.signal.removeEventListener("abort", this.#onAbort);
    this.#entry.remove(this);
    this.#onEnd();
  }

  readonly #onAbort = (): void => this.#abort.abort(this.#caller.signal.reason);
}
