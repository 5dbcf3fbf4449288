/** Channels on which messages are sent, as they stand in `defaults.sender.<channel>` and `sending.rate_limit.<channel>`. */
export const SENDER_CHANNELS = [
  "apple_mb",
  "instagram_dm",
  "line_on",
  "messenger",
  "mms",
  "rcs",
  "sms",
  "viber_bm",
  "viber_bot",
  "whatsapp",
] as const;

/** One of {@link SENDER_CHANNELS}. */
export type SenderChannel = (typeof SENDER_CHANNELS)[number];
