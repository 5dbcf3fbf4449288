import type { Transport } from "@connectrpc/connect";

/** Carries calls, and owns the connections for it. */
export interface ClosableTransport extends Transport {
  /** Closes the connections; calls in progress end. */
  readonly close: () => void;
}

/** Headers as callers give them. */
export type CallHeaders = ConstructorParameters<typeof Headers>[0];
