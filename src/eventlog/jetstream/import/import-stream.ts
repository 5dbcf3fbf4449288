import { API_ERROR, ApiError, askJetStream } from "../../../nats/jetstream-api.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import type { StreamState } from "../../../nats/stream-layout.ts";
import { ensureStream } from "../../../nats/streams.ts";
import type { TransferHeader } from "../../transfer/transfer-format.ts";
import { NOTHING_PAYLOAD } from "../event-message.ts";
import { type EventStreamOptions, eventStreamLayout, logIdOf } from "../event-stream.ts";
import { ImportError } from "./import-error.ts";
import { importedDescription, importedTo, importingDescription, importingLogId } from "./import-mark.ts";
import { importSubject, requireOnlyImported } from "./import-subject.ts";

/** The stream that events are imported into. */
export interface ImportStream {
  readonly name: string;
  /** It holds nothing of the log. */
  readonly isNew: boolean;
  /** The whole log is there already. */
  readonly isDone: boolean;
  /** Position up to which the log is there, or up to which sequences are used up before it. */
  readonly lastSequence: number;
}

/**
 * Opens the stream that a log is to be imported into, and creates it when there
 * is none. Rejects with ImportError when it holds something else, and as
 * ensureStream does.
 */
export async function openImportStream(
  link: NatsLink,
  options: EventStreamOptions,
  header: TransferHeader,
): Promise<ImportStream> {
  const layout = eventStreamLayout(options, header.logId);
  const { name } = layout;
  const state = await ensureStream(link, { ...layout, description: importingDescription(header.logId) });
  if (logIdOf(state.description) === header.logId && importedTo(state.description) === header.head)
    return { name, isNew: false, isDone: true, lastSequence: state.lastSequence };
  if (importingLogId(state.description) !== header.logId) throw notEmpty(name, state, header);
  await requireOnlyImported(link, name, importSubject(options.prefix));
  await requireFollowing(link, name, state, header);
  return {
    name,
    isNew: state.lastSequence <= header.earliest,
    isDone: false,
    lastSequence: state.lastSequence,
  };
}

/** Tells everybody that the log is whole. Rejects with ImportError when somebody else has written it, ServiceError LOG_UNAVAILABLE or ApiError. */
export async function completeImport(
  link: NatsLink,
  options: EventStreamOptions,
  { logId, head }: TransferHeader,
): Promise<void> {
  const { name, description } = eventStreamLayout(options, logId);
  await requireOnlyImported(link, name, importSubject(options.prefix));
  const { config } = await askJetStream<{ config: object }>(link, `STREAM.INFO.${name}`);
  const changed = { ...config, description: importedDescription(description, head) };
  await askJetStream(link, `STREAM.UPDATE.${name}`, changed);
}

/** Payload of a message; undefined when it is not there. Rejects with ServiceError LOG_UNAVAILABLE or ApiError. */
export async function messageAt(
  link: NatsLink,
  stream: string,
  sequence: number,
): Promise<Buffer | undefined> {
  type Answer = { readonly message: { readonly data?: string } };
  try {
    const { message } = await askJetStream<Answer>(link, `STREAM.MSG.GET.${stream}`, { seq: sequence });
    return Buffer.from(message.data ?? "", "base64");
  } catch (error) {
    if (error instanceof ApiError && error.code === API_ERROR.messageNotFound) return undefined;
    throw error;
  }
}

function notEmpty(name: string, { description }: StreamState, header: TransferHeader): ImportError {
  const remove = `remove it (nats stream rm ${name}) if nothing of it is needed, or choose another nats.prefix`;
  if (logIdOf(description) === header.logId) {
    const text = `the stream ${name} holds this log up to ${importedTo(description) ?? "somewhere else"}, and the file goes to ${header.head}; what was stored since in the one cannot be added to the other; ${remove}`;
    return new ImportError("TARGET_NOT_EMPTY", text);
  }
  const text = `the stream ${name} is there already and holds something else, as its description says; ${remove}`;
  return new ImportError("TARGET_NOT_EMPTY", text);
}

/** What an earlier run has left must be a beginning of what the file holds. */
async function requireFollowing(
  link: NatsLink,
  name: string,
  state: StreamState,
  { earliest, head }: TransferHeader,
): Promise<void> {
  const { lastSequence, messages } = state;
  const remove = `remove the stream (nats stream rm ${name}) and import again`;
  if (lastSequence > head) {
    const text = `an import has come to ${lastSequence}, and the file ends at ${head}; import the file that it was begun with, or ${remove}`;
    throw new ImportError("TARGET_AHEAD", text);
  }
  if (messages > 0 && lastSequence < earliest) {
    const last = await messageAt(link, name, lastSequence);
    if (last === undefined || last.equals(NOTHING_PAYLOAD)) return;
    const text = `an import has come to ${lastSequence}, and the file begins after ${earliest}; import the file that it was begun with, or ${remove}`;
    throw new ImportError("TARGET_BEHIND", text);
  }
}
