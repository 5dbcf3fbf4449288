/** Channels whose inbound messages can be fetched. */
export const INBOUND_PULL_CHANNELS = ["APPLE_MB", "MESSENGER", "MMS", "SMS", "VIBER_BM", "WHATSAPP"] as const;

/** One of {@link INBOUND_PULL_CHANNELS}. */
export type InboundPullChannel = (typeof INBOUND_PULL_CHANNELS)[number];

/** Most items that Infobip hands out with one answer. */
export const MAX_PULL_LIMIT = 1_000;

/** Bounds of one fetch. */
export interface FetchOptions {
  /** Ends the call. What Infobip had handed out by then is lost. */
  readonly signal: AbortSignal;
  /** Most items to be handed out, 1 to {@link MAX_PULL_LIMIT}. */
  readonly limit: number;
}

/**
 * Fetches what waits at Infobip. Infobip hands out each item once, and only
 * those of the last 48 hours: an answer that is not kept is gone. The body is a
 * JSON object with a list `results`, checked no further. Both methods reject
 * with ServiceError only, by the table in docs/errors.md.
 */
export interface ReportSource {
  /** GET /messages-api/1/reports: delivery reports of all channels. */
  fetchReports(options: FetchOptions): Promise<Uint8Array>;
  /** GET /messages-api/1/inbound: messages that people sent on a channel. */
  fetchInbound(channel: InboundPullChannel, options: FetchOptions): Promise<Uint8Array>;
}
