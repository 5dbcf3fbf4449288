/** Bounds of the webhook listener. Times in milliseconds, sizes in bytes. */
export interface WebhookLimits {
  /** Largest body, as sent and also after decompression. */
  readonly maxBodyBytes: number;
  /** Bytes of all bodies that are being read or handled at one time; handling takes a small multiple of it in memory. */
  readonly maxBufferedBytes: number;
  /** Webhooks a second on average, and a second's worth at once, by senders that have shown who they are. */
  readonly maxRequestsPerSecond: number;
  /** Connections at once, TLS handshakes among them. */
  readonly maxConnections: number;
  /** From connecting to the end of the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** From the first byte of a request, or from connecting, to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long the log may take to make the events durable before the answer is 503. */
  readonly appendTimeoutMs: number;
  /** How long, and how many bytes, a refused body is still read and thrown away, so that its sender gets to see the answer. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
  /** How long requests in flight may still take when the listener is disposed of; stop() names its own time. */
  readonly stopGraceMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** The bounds that apply unless told otherwise. */
export const DEFAULT_WEBHOOK_LIMITS: WebhookLimits = {
  maxBodyBytes: 10 * MIB,
  maxBufferedBytes: 64 * MIB,
  maxRequestsPerSecond: 2_000,
  maxConnections: 1_000,
  handshakeTimeoutMs: 10_000,
  maxHeaderBytes: 16 * KIB,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 30_000,
  appendTimeoutMs: 10_000,
  lingerMs: 1_000,
  lingerBytes: 16 * MIB,
  stopGraceMs: 2_000,
};
