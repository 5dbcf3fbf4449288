import { errors, ProtocolHandler, type Status } from "@nats-io/transport-node";

type PublishParameters = Parameters<ProtocolHandler["publish"]>;
type DialParameters = Parameters<ProtocolHandler["dial"]>;

/** What the owner of a {@link Protocol} is told, at once and in order. Must not throw. */
export interface ProtocolWatcher {
  status(status: Status): void;
  /** A server could not be connected to. */
  dialFailed(error: Error): void;
}

/**
 * The client library's protocol engine, without its buffer for the time in
 * which there is no connection: publishing throws then, and requests that wait
 * are rejected when the connection is lost.
 */
export class Protocol extends ProtocolHandler {
  watcher: ProtocolWatcher | undefined;

  override dispatchStatus(status: Status): void {
    super.dispatchStatus(status);
    this.watcher?.status(status);
  }

  override publish(...parameters: PublishParameters): void {
    if (!this.connected) throw new errors.RequestError("there is no connection to NATS");
    super.publish(...parameters);
  }

  override async disconnected(error?: Error): Promise<void> {
    this.muxSubscriptions.close();
    await super.disconnected(error);
  }

  override async dial(...parameters: DialParameters): Promise<void> {
    try {
      await super.dial(...parameters);
    } catch (error) {
      const cause = error instanceof Error ? error : new Error("the connection was closed");
      this.watcher?.dialFailed(cause);
      throw cause;
    }
  }

  /** Ends the connection, also while it is being made, and lets go of every socket. */
  async end(error?: Error): Promise<void> {
    await this.close(error);
    // Undefined until the first dial.
    this.transport?.discard();
  }
}
