import { API_ERROR, ApiError, apiFailure, askJetStream } from "../../nats/jetstream-api.ts";
import { logUnavailable } from "../../nats/nats-errors.ts";
import type { NatsLink } from "../../nats/nats-link.ts";

/** A message as it lies in a stream. */
export interface KeptMessage {
  readonly payload: Buffer;
  /** Unix milliseconds by the server's clock. */
  readonly timeMs: number;
}

interface Answer {
  /** Without data for an empty payload. */
  readonly message: { readonly data?: string; readonly time: string };
}

/**
 * Gets a message from the stream's leader; undefined when there is none with this sequence. Rejects with
 * ServiceError LOG_UNAVAILABLE or OVERLOADED when that cannot be known now.
 */
export async function getMessage(
  link: NatsLink,
  stream: string,
  sequence: number,
): Promise<KeptMessage | undefined> {
  const message = await find(link, stream, { seq: sequence });
  return message && { payload: Buffer.from(message.data ?? "", "base64"), timeMs: Date.parse(message.time) };
}

/** Whether the stream holds any message at a sequence or after it. Rejects as {@link getMessage} does. */
export async function hasMessageFrom(link: NatsLink, stream: string, sequence: number): Promise<boolean> {
  return (await find(link, stream, { seq: sequence, next_by_subj: ">" })) !== undefined;
}

async function find(link: NatsLink, stream: string, query: object): Promise<Answer["message"] | undefined> {
  try {
    return (await askJetStream<Answer>(link, `STREAM.MSG.GET.${stream}`, query)).message;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === API_ERROR.messageNotFound) return undefined;
    throw logUnavailable(apiFailure(error));
  }
}
