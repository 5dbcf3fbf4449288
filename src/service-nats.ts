import type { NatsConfig } from "./config/nats-config.ts";
import { connectNats } from "./nats/connect-nats.ts";
import { createPublisher } from "./nats/jetstream-publisher.ts";
import { NatsConnectError } from "./nats/nats-connect-error.ts";
import type { NatsLink } from "./nats/nats-link.ts";
import type { Publisher } from "./nats/publisher.ts";
import { StreamMismatch, StreamSetupError } from "./nats/stream-errors.ts";
import type { StreamLayout } from "./nats/stream-layout.ts";
import { createValues } from "./nats/stream-values.ts";
import { ensureStream } from "./nats/streams.ts";
import type { Values } from "./nats/values.ts";
import { StartError } from "./start-error.ts";
import { systemTimer } from "./timer.ts";

/** A connection to NATS and what publishes over it. */
export interface Nats {
  readonly link: NatsLink;
  readonly publisher: Publisher;
  /** Opens a stream that keeps the latest values, and creates it when there is none. Rejects with StartError. */
  values(layout: StreamLayout, subject: string): Promise<Values>;
}

/** Connects to NATS; rejects with StartError. `owned` closes it. */
export async function openNats({ options }: NatsConfig, owned: AsyncDisposableStack): Promise<Nats> {
  const link = owned.use(await starting(connectNats(options)));
  const { requestTimeoutMs, maxInFlightBytes } = options;
  const publisher = owned.use(
    createPublisher(link, { requestTimeoutMs, maxInFlightBytes, timer: systemTimer }),
  );
  return {
    link,
    publisher,
    values: async (layout, subject) => {
      await starting(ensureStream(link, layout));
      return createValues({ link, publisher, stream: layout.name, subject });
    },
  };
}

/** Tells what keeps NATS from being used as an error of the start, by the setting it is about. */
export async function starting<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NatsConnectError)
      throw new StartError(`NATS_${error.reason}`, `eventlog.url: ${error.message}`, error);
    if (error instanceof StreamMismatch) throw new StartError("NATS_STREAM_MISMATCH", error.message, error);
    if (error instanceof StreamSetupError)
      throw new StartError(`NATS_STREAM_${error.reason}`, error.message, error);
    throw error;
  }
}
