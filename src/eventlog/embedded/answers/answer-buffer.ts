import { answerBytes, type StoredAnswer } from "../../answer-store.ts";
import {
  FieldPacker,
  FieldReader,
  NUMBER_BYTES,
  packedBytesLength,
  packedTextLength,
} from "../packed-fields.ts";

/** An answer to be stored. */
export interface NewAnswer {
  readonly requestId: string;
  readonly answer: StoredAnswer;
}

/** An answer of an unpacked batch; the bytes are views into the buffer. */
export interface PackedAnswer {
  readonly requestId: string;
  readonly payloadHash: Uint8Array;
  readonly response: Uint8Array;
  /** As answerBytes counts them. */
  readonly bytes: number;
}

/** Bytes that answers take at most when they are packed; what the queue limit counts. */
export function packedAnswersLength(answers: readonly NewAnswer[]): number {
  let length = NUMBER_BYTES;
  for (const { requestId, answer } of answers)
    length +=
      packedTextLength(requestId) +
      packedBytesLength(answer.payloadHash) +
      packedBytesLength(answer.response);
  return length;
}

/** Packs answers into a buffer of `length` bytes, which {@link packedAnswersLength} gave. */
export function packAnswers(answers: readonly NewAnswer[], length: number): ArrayBuffer {
  const packer = new FieldPacker(length);
  packer.number(answers.length);
  for (const { requestId, answer } of answers) {
    packer.text(requestId);
    packer.bytes(answer.payloadHash);
    packer.bytes(answer.response);
  }
  return packer.buffer;
}

/** Reads packed answers, one by one. */
export function* unpackAnswers(batch: ArrayBuffer): Generator<PackedAnswer> {
  const reader = new FieldReader(batch);
  const count = reader.number();
  for (let n = 0; n < count; n++) {
    const requestId = reader.text();
    const payloadHash = reader.bytes();
    const response = reader.bytes();
    yield { requestId, payloadHash, response, bytes: answerBytes(requestId, { payloadHash, response }) };
  }
}
