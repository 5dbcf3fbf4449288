import { askJetStream } from "../../../nats/jetstream-api.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import { ImportError } from "./import-error.ts";

/** Subject of the event stream that nothing but imports publishes to. */
export function importSubject(prefix: string): string {
  return `${prefix.toLowerCase()}.events.import`;
}

/**
 * Makes sure that a stream holds nothing but what imports have published. A
 * message of somebody else takes the place of an event, and those behind it
 * are stored all the same. Rejects with ImportError, ApiError or ServiceError.
 */
export async function requireOnlyImported(link: NatsLink, stream: string, subject: string): Promise<void> {
  type Info = { readonly state: { readonly subjects?: Readonly<Record<string, number>> } };
  const { state } = await askJetStream<Info>(link, `STREAM.INFO.${stream}`, { subjects_filter: ">" });
  if (Object.keys(state.subjects ?? {}).some((other) => other !== subject)) throw targetWritten();
}

/** The error for a target that somebody else has written to. */
export function targetWritten(cause?: unknown): ImportError {
  const text =
    "something else than the import writes to the target; stop everything that uses these streams, remove them " +
    "if they hold nothing that is needed (nats stream rm), and import again";
  return new ImportError("TARGET_WRITTEN", text, cause);
}
