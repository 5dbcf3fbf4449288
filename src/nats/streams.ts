import { API_ERROR, ApiError, apiFailure, askJetStream } from "./jetstream-api.ts";
import { logUnavailable } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";
import { patiently, type SetupPatience, unansweredBy } from "./setup-patience.ts";
import { type StreamConfig, streamConfig, streamDifferences } from "./stream-config.ts";
import { StreamMismatch, streamSetupError, unansweredSetup } from "./stream-errors.ts";
import type { StreamLayout, StreamState } from "./stream-layout.ts";

interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly messages: number;
    readonly bytes: number;
  };
}

/**
 * Creates a stream, or makes sure that the one that is there has all settings of the layout. Waits for a cluster
 * that is still starting. Rejects with StreamMismatch when the stream has other settings, with StreamSetupError
 * when the server cannot have it or does not answer.
 */
export async function ensureStream(
  link: NatsLink,
  layout: StreamLayout,
  patience?: SetupPatience,
): Promise<StreamState> {
  const info = await findOrCreate(link, layout, patience);
  const differences = streamDifferences(layout, info.config);
  if (differences.length > 0) throw new StreamMismatch(layout.name, differences);
  return toState(info);
}

/** A stream as it stands. Rejects with ServiceError LOG_UNAVAILABLE, also when there is no such stream. */
export async function streamState(link: NatsLink, name: string): Promise<StreamState> {
  try {
    return toState(await askJetStream<StreamInfo>(link, `STREAM.INFO.${name}`));
  } catch (error) {
    throw error instanceof ApiError ? logUnavailable(apiFailure(error)) : error;
  }
}

async function findOrCreate(
  link: NatsLink,
  layout: StreamLayout,
  patience: SetupPatience | undefined,
): Promise<StreamInfo> {
  try {
    return await patiently(
      async () => (await findStream(link, layout.name)) ?? (await createStream(link, layout)),
      patience,
    );
  } catch (error) {
    if (error instanceof ApiError) throw streamSetupError(layout, error);
    const failure = unansweredBy(error);
    throw failure === undefined ? error : unansweredSetup(layout.name, failure);
  }
}

async function findStream(link: NatsLink, name: string): Promise<StreamInfo | undefined> {
  try {
    return await askJetStream<StreamInfo>(link, `STREAM.INFO.${name}`);
  } catch (error) {
    if (error instanceof ApiError && error.code === API_ERROR.streamNotFound) return undefined;
    throw error;
  }
}

async function createStream(link: NatsLink, layout: StreamLayout): Promise<StreamInfo> {
  try {
    return await askJetStream<StreamInfo>(link, `STREAM.CREATE.${layout.name}`, streamConfig(layout));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== API_ERROR.streamNameInUse) throw error;
    // Another process has created it meanwhile; its description may be another one.
    const other = await findStream(link, layout.name);
    if (other !== undefined) return other;
    throw error;
  }
}

function toState({ config, state }: StreamInfo): StreamState {
  return {
    description: config.description ?? "",
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
  };
}
