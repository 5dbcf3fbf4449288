import type {
  ValidationBadResponse,
  ValidationOkResponse,
} from "../../gen/infobip/messages/v1/api_error_pb.js";
import type { MessageResponse } from "../../gen/infobip/messages/v1/response_pb.js";
import type { Credentials } from "./credentials.ts";
import type { ReportSource } from "./report-source.ts";
import type { RequestTraces } from "./request-trace.ts";

/** Bounds of one call to Infobip. */
export interface InfobipCallOptions {
  /** Ends the call; the outcome of a request that had already left is then unknown. */
  readonly signal: AbortSignal;
  /** Milliseconds until the caller's deadline, where it has one. */
  readonly timeoutMs?: number | undefined;
  /** Message ids in the request, for SEND_OUTCOME_UNKNOWN. */
  readonly messageIds?: readonly string[];
  /** Where the request stands in traces. Nothing of it is sent. */
  readonly traces?: RequestTraces;
  /** Turns a property path of Infobip's JSON into the path of the protobuf field. */
  readonly fieldPath?: (property: string) => string;
  /**
   * Called in the same turn as, and right before, bytes of the request begin to
   * leave; again when a request that was refused with 401 is repeated. As long
   * as it was not called, ending the call by `signal` proves that nothing was
   * sent. Must not throw.
   */
  readonly onWritten?: (() => void) | undefined;
}

/** Answer of the validate endpoint. Its texts are fit for a caller, and its lists are bounded. */
export type ValidationAnswer = (
  | { readonly valid: true; readonly response: ValidationOkResponse }
  | { readonly valid: false; readonly response: ValidationBadResponse }
) & {
  /** How many entries the bound has cut from each list; not set when none. */
  readonly leftOut?: LeftOut;
};

/** Entries that a bound has cut from the lists of a validation answer. */
export interface LeftOut {
  readonly violations: number;
  readonly skippableViolations: number;
}

/**
 * Calls Infobip's REST API. Bodies are Infobip's JSON, already encoded.
 * Every method rejects with ServiceError only, by the table in docs/errors.md.
 */
export interface InfobipClient extends ReportSource, AsyncDisposable {
  /** POST /messages-api/1/messages */
  sendMessages(body: string, options: InfobipCallOptions): Promise<MessageResponse>;
  /** POST /messages-api/1/messages/validate */
  validateMessages(body: string, options: InfobipCallOptions): Promise<ValidationAnswer>;
  /** POST /messages-api/1/events */
  sendEvents(body: string, options: InfobipCallOptions): Promise<MessageResponse>;
}

/** A client whose credentials can be replaced. */
export interface RenewableInfobipClient extends InfobipClient {
  /**
   * Signs requests that begin from here on with other credentials; those under
   * way are repeated with them when Infobip refuses theirs. Throws an Error when
   * the credentials cannot be right; those before are then kept.
   */
  useCredentials(credentials: Credentials): void;
}
