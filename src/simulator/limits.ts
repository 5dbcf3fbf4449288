/** Message ids remembered for the duplicate check and the per-id counters; the oldest are forgotten first. */
export const MAX_REMEMBERED_MESSAGE_IDS = 100_000;
/** Accepted messages kept for inspection; the oldest are dropped first. */
export const MAX_REMEMBERED_MESSAGES = 10_000;
/** Reports, and inbound messages, kept for the pull endpoints; the oldest are dropped first. */
export const MAX_PENDING_PULL_ITEMS = 100_000;
/** Age at which an item kept for the pull endpoints is dropped, in milliseconds: 48 h, as Infobip documents. */
export const PULL_RETENTION_MS = 48 * 3_600_000;
/** Items a pull endpoint returns without `limit`, and at most. */
export const DEFAULT_PULL_LIMIT = 50;
export const MAX_PULL_LIMIT = 1_000;
/** Callbacks planned or under way at a time; above it sends are answered with 429. */
export const MAX_OUTSTANDING_CALLBACKS = 1_000_000;
/** Reports in one webhook request, as Infobip documents. */
export const MAX_WEBHOOK_BATCH = 100;
/** Requests under way to one webhook URL; further ones wait their turn. */
export const MAX_CONCURRENT_POSTS_PER_URL = 16;
/** Retries of one webhook request; after them its items are lost. */
export const MAX_WEBHOOK_RETRIES = 20;
/** Bytes of a webhook's answer that are read and thrown away. */
export const MAX_WEBHOOK_ANSWER_BYTES = 64 * 1024;
/** Default limit of a request body in bytes. Infobip publishes none for this API; RCS has 10 MB. */
export const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Limit of a body sent to the control and token endpoints, in bytes. */
export const MAX_CONTROL_BODY_BYTES = 256 * 1024;
/** Requests kept for inspection, and the bytes of their bodies in all; the oldest are dropped first. */
export const MAX_RECORDED_REQUESTS = 1_000;
export const MAX_RECORDED_BYTES = 32 * 1024 * 1024;
/** Fault rules waiting at a time. */
export const MAX_FAULT_RULES = 1_000;
/** Bearer tokens valid at a time; the oldest are dropped first. */
export const MAX_BEARER_TOKENS = 1_000;
/** Open connections; further ones are refused. */
export const MAX_CONNECTIONS = 10_000;
/** Callers waiting for a condition, such as `whenReceived`. */
export const MAX_WAITERS = 1_000;
/** Entries in the list of violations of one answer. */
export const MAX_VIOLATIONS = 100;
