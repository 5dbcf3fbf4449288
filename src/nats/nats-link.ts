import type { NatsConnection } from "@nats-io/transport-node";

/** Whether the server can be reached, as far as is known now. */
export interface LinkHealth {
  readonly ok: boolean;
  /** Why not, for operators. Holds no secret. */
  readonly reason?: string;
}

/**
 * One process's connection to NATS. Connects again by itself, with growing
 * waits and for as long as it takes; while it is not connected nothing is
 * buffered: what needs the server fails with ServiceError LOG_UNAVAILABLE.
 */
export interface NatsLink extends AsyncDisposable {
  readonly connection: NatsConnection;
  /** Whether there is a connection at this moment. */
  readonly isConnected: boolean;
  /** Most bytes of one message, headers included, by the server's settings. */
  readonly maxPayload: number;
  /** Version of the server, such as `2.9.10`. */
  readonly serverVersion: string;
  /** Resolves with the reason when the connection has ended for good, such as revoked credentials. */
  readonly failed: Promise<Error>;
  /** What the server refused last, such as a subject this user has no permission for; it may be long ago. */
  readonly lastRefusal: string | undefined;
  health(): LinkHealth;
  /**
   * Sends a request and resolves with the payload of its first answer. Rejects with ServiceError: LOG_UNAVAILABLE when
   * nobody listens, there is no answer in time or no connection, OVERLOADED when too much waits for answers.
   */
  request(subject: string, payload: Uint8Array): Promise<Uint8Array>;
  /** Calls back on each connection after the first; the returned function calls it off. */
  onReconnected(callback: () => void): () => void;
  /** Calls back when the connection is lost; the returned function calls it off. */
  onDisconnected(callback: () => void): () => void;
}
