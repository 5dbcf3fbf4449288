import type { Secret } from "../secret.ts";
import { listUnknownMessages } from "./unknown-messages.ts";

/**
 * SEND: may make messages leave. VALIDATE: never does. FETCH: takes reports or
 * inbound messages away from Infobip. TOKEN: asks for an access token before a
 * call of any other kind.
 */
export type CallKind = "SEND" | "VALIDATE" | "FETCH" | "TOKEN";

/** Whether the messages of a failed call were sent. */
export type Outcome = "SENT" | "NOT_SENT" | "UNKNOWN";

/** What an error is made from besides the failure itself. */
export interface ErrorContext {
  readonly kind: CallKind;
  readonly messageIds: readonly string[];
  /** Turns a property path into the path of the protobuf field; empty when there is none. */
  readonly fieldPath?: ((property: string) => string) | undefined;
  /** What must not come back in a text. */
  readonly secrets: readonly Secret[];
  /** Wall clock, in milliseconds. */
  readonly now: number;
}

/** The metadata that tells the outcome: only a send can have made messages leave. */
export function outcomeMetadata(context: ErrorContext, outcome: Outcome): Record<string, string> {
  switch (context.kind) {
    case "SEND":
      return outcome === "UNKNOWN" ? { outcome, ...listUnknownMessages(context.messageIds) } : { outcome };
    case "TOKEN":
      return { outcome: "NOT_SENT", endpoint: "token" };
    case "VALIDATE":
      return { outcome: "NOT_SENT" };
    case "FETCH":
      return {};
  }
}
