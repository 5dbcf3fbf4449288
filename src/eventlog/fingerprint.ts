import { hash } from "node:crypto";

/** The first 8 bytes of SHA-256, as 16 lower-case hex digits: node makes those faster than bytes. */
export type Fingerprint = string & { readonly brand: "fingerprint" };

const FINGERPRINT_DIGITS = 16;
/** Values of the lower-case hex digits, by character code. */
const DIGIT_VALUES = digitValues();

/** What makes one piece of news about a message differ from another. */
export interface News {
  /** Kind of the event, such as DELIVERY. */
  readonly kind: string;
  /** Infobip's name of the channel; empty without one. With failover one message id is reported per channel. */
  readonly channel: string;
  /** Ids, or where one is missing or unreadable the name that stands beside it. */
  readonly statusGroup: number | string | undefined;
  readonly status: number | string | undefined;
  readonly error: number | string | undefined;
  /**
   * Infobip's time of the news, normalised; empty without one. Two reports
   * that name the same message and status and no time tell the same news,
   * whatever else their bytes are, so nothing stands in for it.
   */
  readonly time: string;
  /** What else makes a difference, for kinds whose news is more than a status. */
  readonly detail?: readonly string[];
  /** Message that the news is about; empty without one. */
  readonly messageId: string;
  /** The message id is not what came: see {@link isRepairedId}. */
  readonly isIdRepaired: boolean;
}

/**
 * Whether a message id in JSON could not be taken as it came: characters that
 * are no Unicode have become U+FFFD, or a number has lost digits. Two ids can
 * then look the same that are not.
 */
export function isRepairedId(messageId: unknown): boolean {
  if (typeof messageId === "number") return !Number.isSafeInteger(messageId);
  return typeof messageId === "string" && (messageId.includes("\ufffd") || !messageId.isWellFormed());
}

/**
 * Fingerprint of a piece of news: together with the message id it says whether
 * two webhooks tell the same. Without a message id, or with one that had to be
 * repaired, nothing in the news says for sure whom it is about, so then the
 * item's bytes count too.
 */
export function fingerprintOf(news: News, raw: Uint8Array): Fingerprint {
  const parts = [
    news.kind,
    news.channel,
    news.statusGroup ?? "",
    news.status ?? "",
    news.error ?? "",
    news.time,
  ];
  if (news.detail) parts.push(...news.detail);
  if (news.messageId === "" || news.isIdRepaired) parts.push(hash("sha256", raw, "hex"));
  // JSON keeps the parts apart whatever they hold.
  return shortHash(JSON.stringify(parts));
}

/** Fingerprint of bytes that could not be read. */
export function shortHash(data: string | Uint8Array): Fingerprint {
  return hash("sha256", data, "hex").slice(0, FINGERPRINT_DIGITS) as Fingerprint;
}

/** Public id of an event: the same on every engine and for every repeat of the webhook. */
export function eventIdOf(fingerprint: Fingerprint, messageId: string, raw: Uint8Array): string {
  return `${fingerprint}.${messageId === "" ? shortHash(raw) : messageId}`;
}

/** The 8 bytes of a fingerprint. */
export function fingerprintBytes(fingerprint: Fingerprint): Uint8Array {
  const bytes = new Uint8Array(FINGERPRINT_DIGITS / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = (digitAt(fingerprint, 2 * index) << 4) | digitAt(fingerprint, 2 * index + 1);
  }
  return bytes;
}

function digitAt(fingerprint: Fingerprint, index: number): number {
  return DIGIT_VALUES[fingerprint.charCodeAt(index)] ?? 0;
}

function digitValues(): Uint8Array {
  const values = new Uint8Array(128);
  for (let value = 0; value < 16; value++) values[value.toString(16).charCodeAt(0)] = value;
  return values;
}
