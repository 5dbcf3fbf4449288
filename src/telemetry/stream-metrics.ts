import type { DescService } from "@bufbuild/protobuf";
import type { Meter } from "@opentelemetry/api";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import { type AnyMethod, bindService } from "../server/service-binding.ts";
import { ATTRIBUTE } from "./conventions.ts";

/** What is counted of the streams of one method. */
interface Counts {
  readonly method: string;
  open: number;
  sent: number;
  received: number;
}

/** Counts the streams that are open and the frames that go through them, by method. */
export class StreamMetrics {
  readonly #methods = new Map<string, Counts>();

  /**
   * The same service, whose streams count from the first frame that is asked
   * for until they end or their call does, whichever comes first. Frames that
   * are sent count when the listener takes them.
   */
  counted<S extends DescService>(
    service: S,
    implementation: ServiceImplementation<S>,
  ): ServiceImplementation<S> {
    const methods = bindService(service, implementation).implementation;
    const counted: Record<string, AnyMethod> = {};
    for (const method of service.methods) {
      const run = methods[method.localName];
      if (run === undefined) continue;
      counted[method.localName] =
        method.methodKind === "unary" ? run : this.#count(`${service.typeName}/${method.name}`, run);
    }
    return counted as unknown as ServiceImplementation<S>;
  }

  #count(method: string, run: AnyMethod): AnyMethod {
    const counts = this.#countsOf(method);
    return (request, context) => {
      const requests =
        Symbol.asyncIterator in request ? countReceived(request as AsyncIterable<never>, counts) : request;
      const frames = run(requests, context) as AsyncIterable<Uint8Array>;
      return { [Symbol.asyncIterator]: () => new CountedStream(frames, counts, context.signal) };
    };
  }

  #countsOf(method: string): Counts {
    const known = this.#methods.get(method) ?? { method, open: 0, sent: 0, received: 0 };
    this.#methods.set(method, known);
    return known;
  }

  /** Streams that are open now, by method. */
  open(): ReadonlyMap<string, number> {
    return new Map([...this.#methods.values()].map(({ method, open }) => [method, open]));
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    meter
      .createObservableGauge("infobip_rpc_streams", { description: "Streams that are open, by method." })
      .addCallback((result) => {
        for (const { method, open } of this.#methods.values()) {
          result.observe(open, { [ATTRIBUTE.rpcMethod]: method });
        }
      });
    meter
      .createObservableCounter("infobip_rpc_stream_frames_total", {
        description: "Frames of streams, by method and direction; one frame can hold many events or results.",
      })
      .addCallback((result) => {
        for (const { method, sent, received } of this.#methods.values()) {
          const labels = { [ATTRIBUTE.rpcMethod]: method };
          result.observe(sent, { ...labels, direction: "sent" });
          result.observe(received, { ...labels, direction: "received" });
        }
      });
  }
}

/** The frames of one stream. Counts with one promise a frame and nothing that is made anew for each. */
class CountedStream implements AsyncIterator<Uint8Array> {
  readonly #frames: AsyncIterator<Uint8Array>;
  readonly #counts: Counts;
  readonly #signal: AbortSignal;
  #state: "NEW" | "OPEN" | "CLOSED" = "NEW";

  constructor(frames: AsyncIterable<Uint8Array>, counts: Counts, signal: AbortSignal) {
    this.#frames = frames[Symbol.asyncIterator]();
    this.#counts = counts;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#state === "NEW") this.#begin();
    return this.#frames.next().then(this.#took, this.#failed);
  }

  async return(value?: unknown): Promise<IteratorResult<Uint8Array>> {
    this.#close();
    await this.#frames.return?.(value);
    return { done: true, value: undefined };
  }

  /** The event is the end of the call: a stream that nobody reads to its end is never told so. */
  handleEvent(): void {
    this.#close();
  }

  readonly #took = (result: IteratorResult<Uint8Array>): IteratorResult<Uint8Array> => {
    if (result.done) this.#close();
    else this.#counts.sent++;
    return result;
  };

  readonly #failed = (error: unknown): never => {
    this.#close();
    throw error;
  };

  #begin(): void {
    this.#state = "OPEN";
    this.#counts.open++;
    this.#signal.addEventListener("abort", this, { once: true });
    if (this.#signal.aborted) this.#close();
  }

  #close(): void {
    if (this.#state === "OPEN") {
      this.#counts.open--;
      this.#signal.removeEventListener("abort", this);
    }
    this.#state = "CLOSED";
  }
}

/** The messages of a client, counted as they are read. */
function countReceived<M>(messages: AsyncIterable<M>, counts: Counts): AsyncIterable<M> {
  const took = (result: IteratorResult<M>): IteratorResult<M> => {
    if (!result.done) counts.received++;
    return result;
  };
  return {
    [Symbol.asyncIterator]: () => {
      const inner = messages[Symbol.asyncIterator]();
      return {
        next: () => inner.next().then(took),
        return: async (value?: unknown) => {
          await inner.return?.(value);
          return { done: true, value: undefined };
        },
      };
    },
  };
}
