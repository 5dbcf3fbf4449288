import { ServiceError } from "../../../errors.ts";
import { NatsConnectError } from "../../../nats/nats-connect-error.ts";
import { StreamMismatch, StreamSetupError } from "../../../nats/stream-errors.ts";
import { ImportError } from "./import-error.ts";

/** What to tell about an import that has failed. */
export interface FailureText {
  /** Machine reason. */
  readonly reason: string;
  /** What happened and what to do; holds no secret and nothing of any event. */
  readonly message: string;
  /** SETTINGS: something is to be set otherwise. REPEAT: the same import may go on later. FAILED: it may not. */
  readonly outcome: "SETTINGS" | "REPEAT" | "FAILED";
}

/** Causes of causes that are told. */
const MAX_CAUSES = 3;

/** Words an error of {@link openImport} or {@link importLog}; undefined for what is none of theirs. */
export function describeFailure(error: unknown): FailureText | undefined {
  if (error instanceof NatsConnectError) {
    const outcome = error.reason === "UNREACHABLE" ? "REPEAT" : "SETTINGS";
    return { reason: `NATS_${error.reason}`, message: error.message, outcome };
  }
  if (error instanceof StreamMismatch)
    return { reason: "STREAM_MISMATCH", message: error.message, outcome: "SETTINGS" };
  if (error instanceof StreamSetupError)
    return { reason: `STREAM_${error.reason}`, message: error.message, outcome: "SETTINGS" };
  if (error instanceof ImportError)
    return { reason: `IMPORT_${error.reason}`, message: error.message, outcome: "FAILED" };
  if (!(error instanceof ServiceError)) return undefined;
  if (error.reason === "REQUEST_IDS_FULL")
    return { reason: error.reason, message: error.message, outcome: "SETTINGS" };
  const advice = "run the same import again: it goes on where it has stopped";
  const message = `${causesOf(error) || error.message}; ${advice}`;
  return { reason: error.reason, message, outcome: "REPEAT" };
}

/** What the server has said; the errors of this service and of its client hold nothing of a message. */
function causesOf(error: Error): string {
  const texts: string[] = [];
  let cause = error.cause;
  for (let n = 0; n < MAX_CAUSES && cause instanceof Error; n++) {
    if (!texts.includes(cause.message)) texts.push(cause.message);
    cause = cause.cause;
  }
  return texts.join(": ");
}
