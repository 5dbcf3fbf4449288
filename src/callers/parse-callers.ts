import { parseDocument } from "yaml";
import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { Caller, Scope } from "../rpc/caller.ts";
import { CallersFileError, type CallersProblem } from "./callers-file-error.ts";
import { CALLERS_FILE, type CallerEntry, channelOf, isCallerName } from "./callers-schema.ts";

/** Names of fields that an error may show: anything else could be a secret in the wrong place. */
const FIELD_NAME = /^[a-z_]{1,40}$/;
/** Fields that limit a caller, which one with the scope admin cannot have. */
const LIMITS = ["channels", "senders", "application_ids", "entity_ids", "webhook_urls"] as const;

/** A caller and what it is known by. */
export interface CallerCredentials {
  readonly caller: Caller;
  /** SHA-256 of each of its tokens, in lower case. */
  readonly tokenHashes: readonly string[];
  /** As in the file; {@link parseCertificatePattern} reads them. */
  readonly certificates: readonly string[];
}

/** Reads a callers file. Throws CallersFileError, which names what is wrong without showing it. */
export function parseCallers(text: string): readonly CallerCredentials[] {
  const document = parseDocument(text, { prettyErrors: true });
  const [broken] = document.errors;
  if (broken !== undefined) {
    // The text of the error shows the line, and a line can hold a token.
    const line = broken.linePos?.[0].line;
    throw fileError(`is no YAML${line === undefined ? "" : `: see line ${line}`}`);
  }
  const value = toValue(document);
  const { data, error } = CALLERS_FILE.safeParse(value);
  if (error !== undefined) {
    throw new CallersFileError(error.issues.map((issue) => problemOf(issue as Issue, value)));
  }
  const problems = data.callers.flatMap(contradictions);
  if (problems.length > 0) throw new CallersFileError(problems);
  return data.callers.map(toCredentials);
}

function toValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw fileError("must not use YAML aliases");
  }
}

function fileError(message: string): CallersFileError {
  return new CallersFileError([{ entry: "", field: "", message }]);
}

interface Issue {
  readonly code: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function problemOf({ code, path, message, keys = [] }: Issue, file: unknown): CallersProblem {
  const [, index, ...rest] = path;
  const entry = typeof index === "number" ? entryName(file, index) : "";
  const field = rest.map((part) => (typeof part === "number" ? `[${part}]` : part)).join("");
  if (code !== "unrecognized_keys") return { entry, field, message };
  const known = keys.filter((key) => FIELD_NAME.test(key)).map((key) => `\`${key}\``);
  const names = known.length === 0 ? "a field" : known.join(", ");
  return { entry, field, message: `has ${names} that a callers file does not know` };
}

function entryName(file: unknown, index: number): string {
  const { callers } = file as { readonly callers: readonly unknown[] };
  const name: unknown = (callers[index] as { name?: unknown } | null | undefined)?.name;
  return isCallerName(name) ? `caller "${name}"` : `callers[${index}]`;
}

/** What the schema cannot tell of one entry. */
function contradictions(entry: CallerEntry): CallersProblem[] {
  const problems: CallersProblem[] = [];
  const report = (field: string, message: string): void => {
    problems.push({ entry: `caller "${entry.name}"`, field, message });
  };
  if (entry.token_sha256 === undefined && entry.certificates === undefined) {
    report("", "needs token_sha256 or certificates, or nobody can be it");
  }
  if (entry.scopes.includes("admin")) {
    for (const field of LIMITS) {
      if (entry[field] !== undefined)
        report(field, "has no effect with the scope admin; leave one of the two out");
    }
  }
  return problems;
}

function toCredentials(entry: CallerEntry): CallerCredentials {
  const channels = entry.channels?.map((name) => channelOf(name) as Channel);
  const caller: Caller = {
    name: entry.name,
    scopes: new Set(entry.scopes as Scope[]),
    ...(channels && { channels: new Set(channels) }),
    ...(entry.senders && { senders: new Set(entry.senders) }),
    ...(entry.application_ids && { applicationIds: new Set(entry.application_ids) }),
    ...(entry.entity_ids && { entityIds: new Set(entry.entity_ids) }),
    ...(entry.messages_per_second !== undefined && { messagesPerSecond: entry.messages_per_second }),
    ...(entry.webhook_urls && { webhookUrls: true }),
  };
  return {
    caller,
    tokenHashes: (entry.token_sha256 ?? []).map((hash) => hash.toLowerCase()),
    certificates: entry.certificates ?? [],
  };
}
