import { API_ERROR, ApiError, apiFailure, askJetStream } from "./jetstream-api.ts";
import { logUnavailable } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";

/** A message as a stream keeps it. */
export interface StoredMessage {
  readonly data: Uint8Array;
  readonly sequence: number;
  /** Those of the NATS protocol left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unix milliseconds. */
  readonly timeMs: number;
}

interface MessageGetAnswer {
  readonly message: {
    readonly seq: number;
    readonly time: string;
    /** Base64. */
    readonly hdrs?: string;
    /** Base64; absent for an empty message. */
    readonly data?: string;
  };
}

/** The last message of a subject, as the stream's leader has it. Rejects with ServiceError LOG_UNAVAILABLE or OVERLOADED. */
export async function lastMessage(
  link: NatsLink,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  try {
    const operation = `STREAM.MSG.GET.${stream}`;
    const { message } = await askJetStream<MessageGetAnswer>(link, operation, { last_by_subj: subject });
    return {
      data: Buffer.from(message.data ?? "", "base64"),
      sequence: message.seq,
      headers: message.hdrs === undefined ? {} : decodeHeaders(Buffer.from(message.hdrs, "base64")),
      timeMs: Date.parse(message.time),
    };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === API_ERROR.messageNotFound) return undefined;
    throw logUnavailable(apiFailure(error));
  }
}

/**
 * Removes messages by subject, which may hold wildcards; with `before` only those with a smaller sequence. Rejects
 * with ServiceError LOG_UNAVAILABLE or OVERLOADED.
 */
export async function purge(link: NatsLink, stream: string, subject: string, before?: number): Promise<void> {
  // The server takes 1 and less for no limit.
  if (before !== undefined && before <= 1) return;
  try {
    await askJetStream(link, `STREAM.PURGE.${stream}`, { filter: subject, seq: before });
  } catch (error) {
    throw error instanceof ApiError ? logUnavailable(apiFailure(error)) : error;
  }
}

function decodeHeaders(block: Buffer): Record<string, string> {
  const [, ...lines] = block.toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0 || /^Nats-/i.test(line)) continue;
    headers[line.slice(0, colon)] = line.slice(colon + 1).trim();
  }
  return headers;
}
