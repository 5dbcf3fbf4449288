/**
 * How many calls a client may cancel on one connection: so many at once, and so
 * many a second after that. A client beyond it loses its connection, with all
 * calls on it, which bounds what a flood of cancelled calls costs (CVE-2023-44487).
 * nghttp2's own 1,000 and 33 a second are what the deadlines of a busy client
 * reach while Infobip is slow, and would then fail the other calls too.
 */
export const STREAM_RESETS = { streamResetBurst: 10_000, streamResetRate: 1_000 } as const;
