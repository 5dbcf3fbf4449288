import { ApiError, apiFailure, askJetStream } from "../../../nats/jetstream-api.ts";
import { logUnavailable } from "../../../nats/nats-errors.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import { lastMessage, purge } from "../../../nats/stored-message.ts";
import { streamState } from "../../../nats/streams.ts";
import type { ClockTimer } from "../../../timer.ts";
import { getMessage } from "../kept-message.ts";
import type { StreamAccess } from "./stream-access.ts";
import { scanStream } from "./stream-scan.ts";

/** err_code of the removal of a message that is not there. */
const SEQUENCE_NOT_FOUND = 10043;

/** What {@link openStreamAccess} works with. */
export interface StreamAccessParts {
  readonly link: NatsLink;
  /** Name of the stream. */
  readonly stream: string;
  readonly timer: ClockTimer;
}

/** Access to a stream over a link. */
export function openStreamAccess({ link, stream, timer }: StreamAccessParts): StreamAccess {
  return {
    lastSequence: async () => (await streamState(link, stream)).lastSequence,
    lastOf: (subject) => lastMessage(link, stream, subject),
    at: async (sequence) => {
      const message = await getMessage(link, stream, sequence);
      return message && { sequence, data: message.payload };
    },
    purge: (subject) => purge(link, stream, subject),
    deleteAt: (sequence) => deleteMessage(link, stream, sequence),
    subjects: (filter, limit) => listSubjects(link, stream, filter, limit),
    scan: (filter, onBatch) => scanStream({ link, stream, timer }, filter, onBatch),
  };
}

async function deleteMessage(link: NatsLink, stream: string, sequence: number): Promise<void> {
  try {
    await askJetStream(link, `STREAM.MSG.DELETE.${stream}`, { seq: sequence, no_erase: true });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code !== SEQUENCE_NOT_FOUND) throw logUnavailable(apiFailure(error));
  }
}

async function listSubjects(
  link: NatsLink,
  stream: string,
  filter: string,
  limit: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  while (found.length < limit) {
    const request = { subjects_filter: filter, offset: found.length };
    const info = await askJetStream<{ total?: number; state: { subjects?: Record<string, number> } }>(
      link,
      `STREAM.INFO.${stream}`,
      request,
    );
    const subjects = Object.keys(info.state.subjects ?? {});
    found.push(...subjects);
    if (subjects.length === 0 || found.length >= (info.total ?? 0)) break;
  }
  return found.slice(0, limit);
}
