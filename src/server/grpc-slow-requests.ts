import { constants } from "node:http2";
import { Code } from "@connectrpc/connect";
import type { ServerInterceptor } from "@grpc/grpc-js";
import { toGrpcStatus } from "./grpc-status.ts";
import { protocolError } from "./refusal.ts";

/** How often slow requests are looked for within the time that they have. */
const LOOKS = 4;

/** What grpc-js's own call object has, which its types do not tell. */
interface InnerCall {
  readonly cancelled: boolean;
  readonly receivedHalfClose: boolean;
  readonly stream: { readonly closed: boolean; close(code: number): void };
  sendStatus(status: ReturnType<typeof toGrpcStatus>): void;
}

/**
 * Ends calls whose single request message does not come: HTTP/2 itself lets a
 * client send half a message and then nothing for ever. Bidirectional calls
 * are left alone. A call that ends well costs an entry for as long as its
 * request takes; there is no timer for each.
 */
export class SlowRequests implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** Calls whose request is not complete, with the number of looks they have seen; of that age first. */
  readonly #waiting = new Map<object, number>();
  #looks = 0;

  /** Requests have between `timeoutMs` and a quarter more. */
  constructor(timeoutMs: number) {
    this.#timer = setInterval(() => this.#look(), timeoutMs / LOOKS).unref();
  }

  readonly interceptor: ServerInterceptor = (method, call) => {
    if (!method.requestStream) this.#waiting.set(call, this.#looks);
    return call as never;
  };

  /** The request of a call is complete. */
  readonly received = (call: object): void => {
    this.#waiting.delete(call);
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  #look(): void {
    this.#looks++;
    for (const [call, since] of this.#waiting) {
      const { cancelled, receivedHalfClose, stream } = call as InnerCall;
      if (cancelled || receivedHalfClose || stream.closed) this.#waiting.delete(call);
      else if (this.#looks - since > LOOKS) this.#end(call as InnerCall);
    }
  }

  #end(call: InnerCall): void {
    this.#waiting.delete(call);
    const error = protocolError(
      "the request was not complete in time; send it as a whole",
      Code.DeadlineExceeded,
    );
    call.sendStatus(toGrpcStatus(error));
    // The answer leaves first; what of the request would still come is not wanted.
    setImmediate(() => call.stream.close(constants.NGHTTP2_NO_ERROR));
  }
}
