import type { Msg } from "@nats-io/transport-node";
import { logUnavailable, NatsFailure } from "./nats-errors.ts";
import { type PublishAck, PublishConflict } from "./publisher.ts";

/** err_code of a wrong expected last sequence, of a subject or of the whole stream; the second one tells no number. */
const WRONG_LAST_SEQUENCE = [10071, 10164];
/** err_code of a wrong expected last message id. */
const WRONG_LAST_ID = 10070;

/** An acknowledgement as the server writes it; anything else is read as JSON. */
const PLAIN_ACK =
  /^\{"stream":"[^"\\]*",(?: ?"domain":"[^"\\]*",)? ?"seq":(\d{1,15})(,"duplicate": ?true)?\}$/;

/** Error part of a JetStream answer. */
export interface JetStreamError {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

/** Reads the acknowledgement of a publish. @throws PublishConflict, or ServiceError LOG_UNAVAILABLE with the server's words as cause */
export function readAck(message: Msg): PublishAck {
  const { data } = message;
  if (data.length === 0) throw logUnavailable(emptyAnswer(message));
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString("latin1");
  const plain = PLAIN_ACK.exec(text);
  if (plain !== null) return { sequence: Number(plain[1]), isDuplicate: plain[2] !== undefined };
  return readOtherAck(data);
}

/** Reads an answer as JSON. @throws ServiceError LOG_UNAVAILABLE when it is none: something else than JetStream has answered */
export function parseAnswer<T extends object>(data: Uint8Array): T & { readonly error?: JetStreamError } {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(data));
    if (typeof answer === "object" && answer !== null) return answer as T;
  } catch {
    // As below.
  }
  throw logUnavailable(new NatsFailure("REFUSED", "the answer is none of JetStream's"));
}

/** Words an error that JetStream has answered with. */
export function jetStreamFailure(error: JetStreamError): NatsFailure {
  return new NatsFailure(`JETSTREAM_${error.err_code}`, `${error.description} (${error.err_code})`);
}

/** Why an answer is empty: nobody listens, or something else than JetStream has answered. */
export function emptyAnswer(message: Msg): NatsFailure {
  if (message.headers?.code === 503) {
    return new NatsFailure(
      "NO_RESPONDERS",
      "nobody listens to the subject: JetStream is not enabled or has no leader, or the stream is missing",
    );
  }
  return new NatsFailure("REFUSED", "the answer is empty");
}

function readOtherAck(data: Uint8Array): PublishAck {
  const answer = parseAnswer<{ seq?: number; duplicate?: boolean }>(data);
  if (answer.error !== undefined) throw publishError(answer.error);
  if (typeof answer.seq !== "number") {
    throw logUnavailable(new NatsFailure("REFUSED", "the answer is no acknowledgement of a stream"));
  }
  return { sequence: answer.seq, isDuplicate: answer.duplicate === true };
}

function publishError(error: JetStreamError): Error {
  if (error.err_code === WRONG_LAST_ID) return new PublishConflict(-1);
  if (!WRONG_LAST_SEQUENCE.includes(error.err_code)) return logUnavailable(jetStreamFailure(error));
  const last = /(\d+)\s*$/.exec(error.description);
  return new PublishConflict(last === null ? -1 : Number(last[1]));
}
