import { create, toBinary } from "@bufbuild/protobuf";
import { type SendAnswer, SendAnswerSchema } from "../../gen/infobip/events/v1/send_answer_pb.js";
import type { MessageStatus } from "../../gen/infobip/messages/v1/response_pb.js";
import type { SendResult } from "../../gen/infobip/messages/v1/send_messages_pb.js";

/**
 * Encodes what Infobip answered for one message. Infobip answers almost
 * always the same, so the last answer is kept encoded.
 */
export class SendAnswerEncoder {
  #last: SendAnswer | undefined;
  #encoded: Uint8Array = new Uint8Array(0);

  /** Binary SendAnswer; not to be changed by the caller. Details that are nested too deep to encode are left out. */
  encode(result: SendResult, errorReason: string | undefined): Uint8Array {
    const { outcome, status, details } = result;
    const last = this.#last;
    if (
      last !== undefined &&
      details === undefined &&
      last.outcome === outcome &&
      last.errorReason === errorReason &&
      isSameStatus(last.status, status)
    )
      return this.#encoded;
    const answer = create(SendAnswerSchema);
    answer.outcome = outcome;
    answer.status = status;
    answer.errorReason = errorReason;
    if (details !== undefined) return encodeDetailed(answer, details);
    this.#last = answer;
    this.#encoded = toBinary(SendAnswerSchema, answer);
    return this.#encoded;
  }
}

function encodeDetailed(answer: SendAnswer, details: NonNullable<SendResult["details"]>): Uint8Array {
  answer.details = details;
  try {
    return toBinary(SendAnswerSchema, answer);
  } catch {
    answer.details = undefined;
    return toBinary(SendAnswerSchema, answer);
  }
}

/** Whether two statuses are encoded alike, as far as their known fields go. */
export function isSameStatus(a: MessageStatus | undefined, b: MessageStatus | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.groupId === b.groupId &&
    a.id === b.id &&
    a.groupName === b.groupName &&
    a.unrecognizedGroupName === b.unrecognizedGroupName &&
    a.name === b.name &&
    a.description === b.description &&
    a.action === b.action
  );
}
