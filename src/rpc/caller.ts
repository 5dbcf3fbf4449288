import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";

/**
 * What a caller may do: `send` (SendMessages, StreamMessages, ValidateMessages, SendEvents), `submit` (submissions),
 * `events` (WatchEvents, lists, single messages), `subscriptions` (Subscribe, PullEvents, the resource methods and
 * dead letters), `admin` (everything of every caller; one with it has no other limit than messagesPerSecond).
 */
export const SCOPES = ["send", "submit", "events", "subscriptions", "admin"] as const;

/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];

/** Who calls, and what that one may do. */
export interface Caller {
  /** For logs and metrics: of a closed set, from the configuration. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Channels that may be used. Undefined: all. */
  readonly channels?: ReadonlySet<Channel>;
  /** Senders that may be used. Undefined: all. */
  readonly senders?: ReadonlySet<string>;
  /** Application ids that may be used, and whose events may be seen. Undefined: all, and none. */
  readonly applicationIds?: ReadonlySet<string>;
  /** The same for entity ids. */
  readonly entityIds?: ReadonlySet<string>;
  /** Whether its messages may name where reports go. Not set: only to this service. */
  readonly webhookUrls?: boolean;
  /** Messages, counted by destination, that may be sent in a second. Undefined: any number. */
  readonly messagesPerSecond?: number;
}

/** What a client's certificate says of it, after it was verified. */
export interface PeerIdentity {
  /** URIs among the subject alternative names, such as `spiffe://example.org/shop`. */
  readonly uris: readonly string[];
  /** DNS names among the subject alternative names. */
  readonly dnsNames: readonly string[];
}
