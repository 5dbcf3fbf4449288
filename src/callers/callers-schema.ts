import * as z from "zod";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import { SCOPES } from "../rpc/caller.ts";
import { TOKEN_PREFIX } from "./caller-token.ts";
import { parseCertificatePattern } from "./certificate-pattern.ts";

/** Most callers in one file. */
export const MAX_CALLERS = 10_000;
/** Most tokens of one caller: a rotation needs two. */
export const MAX_TOKENS = 10;
/** Most certificates of one caller. */
export const MAX_CERTIFICATES = 100;
/** Most values of one list of what a caller may use; as many as an event filter takes. */
export const MAX_VALUES = 1_000;
/** Largest `messages_per_second`. */
export const MAX_RATE = 1_000_000;

/** Names of callers: labels of metrics, and the first part of a submission's name. */
const NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** Whether a text can be the name of a caller. A token in the wrong place is none, or logs would show it. */
export function isCallerName(text: unknown): text is string {
  return typeof text === "string" && NAME.test(text) && !text.startsWith(TOKEN_PREFIX);
}

/** Channels by their names in the file. */
const CHANNELS: ReadonlyMap<string, Channel> = new Map(
  Object.entries(Channel)
    .filter(
      (entry): entry is [string, Channel] => typeof entry[1] === "number" && entry[1] !== Channel.UNSPECIFIED,
    )
    .map(([name, channel]) => [name.toLowerCase(), channel]),
);

/** The channel of a name as it stands in the file or in the proto files: `sms`, `SMS`, `CHANNEL_SMS`. */
export function channelOf(name: string): Channel | undefined {
  return CHANNELS.get(plainName(name));
}

const plainName = (name: string): string => name.toLowerCase().replace(/^channel_/, "");

/** A list of texts; one that is empty would allow nothing or everything, so it is neither. */
const values = (each: z.ZodString, most: number, what: string) => {
  const message = `must list 1 to ${most} ${what}; leave it out to set no limit`;
  return z.array(each, message).min(1, message).max(most, message).optional();
};

const oneOf = (words: Iterable<string>, read = (word: string): string => word) => {
  const known = new Set(words);
  const message = `must be one of ${[...known].join(", ")}`;
  return z.string(message).refine((word) => known.has(read(word)), message);
};

const id = z.string("must be text").min(1, "must not be empty").max(255, "must have at most 255 characters");
const hashText = "must be the SHA-256 of a token, 64 hexadecimal digits; `infobip-rpc token hash` makes it";
const certificateText = "must be `spiffe://domain/path`, `spiffe://domain/path/*` or `dns:name`";
const nameText =
  "must be 1 to 63 lower-case letters, digits, `_` and `-`, begin with a letter, and be no token";
const rateText = `must be a whole number from 1 to ${MAX_RATE}`;

const caller = z.strictObject({
  name: z.string(nameText).refine(isCallerName, nameText),
  token_sha256: values(z.string(hashText).regex(/^[0-9a-fA-F]{64}$/, hashText), MAX_TOKENS, "hashes"),
  certificates: values(
    z.string(certificateText).refine((text) => parseCertificatePattern(text) !== undefined, certificateText),
    MAX_CERTIFICATES,
    "certificates",
  ),
  scopes: z
    .array(oneOf(SCOPES), `must list what the caller may do: ${SCOPES.join(", ")}`)
    .min(1, `must list what the caller may do: ${SCOPES.join(", ")}`)
    .max(SCOPES.length, "names a scope twice"),
  channels: values(oneOf(CHANNELS.keys(), plainName) as unknown as z.ZodString, CHANNELS.size, "channels"),
  senders: values(id, MAX_VALUES, "senders"),
  application_ids: values(id, MAX_VALUES, "application ids"),
  entity_ids: values(id, MAX_VALUES, "entity ids"),
  messages_per_second: z.int(rateText).min(1, rateText).max(MAX_RATE, rateText).optional(),
  webhook_urls: z.boolean("must be true or false").optional(),
});

/** Shape of one entry; {@link CALLERS_FILE} holds many. */
export type CallerEntry = z.infer<typeof caller>;

/** Shape of a callers file. */
export const CALLERS_FILE = z.strictObject(
  {
    callers: z
      .array(caller, "must be a list of callers")
      .max(MAX_CALLERS, `must list at most ${MAX_CALLERS} callers`),
  },
  "must hold `callers:` and a list",
);
