import { type MessageResponse, MessageResponseSchema } from "../../gen/infobip/messages/v1/response_pb.js";
import type { Secret } from "../secret.ts";
import { decodeRest } from "./codec/decode.ts";
import { isJsonObject, parseJson } from "./error-body.ts";

/**
 * Reads an answer; undefined when this status and body are none that the
 * endpoint documents. `secrets` are the texts that must not be passed on.
 */
export type AnswerReader<T> = (status: number, body: Buffer, secrets: readonly Secret[]) => T | undefined;

/** Reads the answer to messages or events. A 2xx without a list of messages tells nothing about them. */
export function readMessageResponse(status: number, body: Buffer): MessageResponse | undefined {
  if (!isSuccess(status)) return undefined;
  const json = parseJson(body);
  if (!isJsonObject(json) || !Array.isArray(json.messages)) return undefined;
  return decodeRest(MessageResponseSchema, json).message;
}

/**
 * Reads the answer of a fetch as the bytes it came as. A 2xx without a list of
 * results, such as a proxy's page, is none.
 */
export function readResultsBody(status: number, body: Buffer): Uint8Array | undefined {
  if (!isSuccess(status)) return undefined;
  const json = parseJson(body);
  return isJsonObject(json) && Array.isArray(json.results) ? body : undefined;
}

/** Whether a status says that the request was taken. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}
