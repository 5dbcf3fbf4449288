import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { ServiceError } from "../errors.ts";
import { parseTraceContext } from "../rpc/parse-trace-context.ts";
import { fromRpcStatus } from "../rpc/read-rpc-status.ts";
import { toRpcStatus } from "../rpc/rpc-status.ts";
import type { TraceContext } from "../rpc/trace-context.ts";

/** How a call begins. */
export interface OpenBody {
  readonly unit: string;
  /** package.Service/Method */
  readonly method: string;
  /** Milliseconds until the caller's deadline; not set without one. */
  readonly timeoutMs?: number;
  /** Bytes that the caller takes. */
  readonly credit: number;
  /** Where the call stands in a trace; not set when it is in none. */
  readonly trace?: TraceContext | undefined;
}

/** Why an owner does not run a call. */
export type Refusal = "NOT_OWNER" | "DRAINING" | "OVERLOADED" | "METHOD_UNKNOWN";
/** What a process says of a unit. */
export type Answer = "OWNER" | "NOT_OWNER" | "DRAINING";

const EMPTY = new Uint8Array();
/** Most characters of the text of an error that was cut to fit. */
const MAX_CUT_TEXT = 500;

/** Body of an OPEN frame; `first` is what is sent of the request with it. */
export function encodeOpen(open: OpenBody, first: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(open), "utf8");
  const bytes = Buffer.allocUnsafe(2 + json.length + first.length);
  bytes.writeUInt16LE(json.length, 0);
  bytes.set(json, 2);
  bytes.set(first, 2 + json.length);
  return bytes;
}

/** Undefined when the body cannot be read. */
export function decodeOpen(body: Uint8Array): { open: OpenBody; first: Uint8Array } | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (bytes.length < 2) return undefined;
  const end = 2 + bytes.readUInt16LE(0);
  try {
    const open: Partial<OpenBody> = JSON.parse(bytes.toString("utf8", 2, end));
    const { unit, method, timeoutMs, credit } = open;
    const trace = parseTraceContext(open.trace?.traceparent, open.trace?.tracestate);
    if (typeof unit !== "string" || typeof method !== "string" || typeof credit !== "number")
      return undefined;
    if (timeoutMs !== undefined && typeof timeoutMs !== "number") return undefined;
    return { open: { unit, method, timeoutMs, credit, ...(trace && { trace }) }, first: body.subarray(end) };
  } catch {
    return undefined;
  }
}

/** Body of a STATUS, CANCEL or END frame; empty for a good end. */
export function encodeEnd(error: ServiceError | undefined): Uint8Array {
  return error === undefined ? EMPTY : toBinary(StatusSchema, toRpcStatus(error));
}

/** As {@link encodeEnd}, for one frame: an error that does not fit goes without its violations and metadata. */
export function encodeEndWithin(error: ServiceError | undefined, maxBytes: number): Uint8Array {
  const whole = encodeEnd(error);
  if (error === undefined || whole.length <= maxBytes) return whole;
  return encodeEnd(new ServiceError(error.code, error.reason, error.message.slice(0, MAX_CUT_TEXT)));
}

/** What {@link encodeEnd} has written. @throws Error when the bytes are no status. */
export function decodeEnd(body: Uint8Array): ServiceError | undefined {
  return body.length === 0 ? undefined : fromRpcStatus(fromBinary(StatusSchema, body));
}

/** Body of an ACCEPT or CREDIT frame. */
export function encodeCredit(credit: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(credit, 0);
  return bytes;
}

/** 0 when the body cannot be read. */
export function decodeCredit(body: Uint8Array): number {
  return body.length < 4 ? 0 : Buffer.from(body.buffer, body.byteOffset, 4).readUInt32LE(0);
}

/** Bytes of one number in the body of a PING frame. */
export const NUMBER_BYTES = 8;

/** Body of a PING frame. */
export function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(numbers.length * NUMBER_BYTES);
  numbers.forEach((number, index) => {
    bytes.writeDoubleLE(number, index * NUMBER_BYTES);
  });
  return bytes;
}

/** What {@link encodeNumbers} has written. */
export function decodeNumbers(body: Uint8Array): ReadonlySet<number> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const numbers = new Set<number>();
  for (let at = 0; at + NUMBER_BYTES <= bytes.length; at += NUMBER_BYTES) numbers.add(bytes.readDoubleLE(at));
  return numbers;
}

/** Body of an ASK, ANSWER or REFUSE frame. */
export function encodeText(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** What {@link encodeText} has written. */
export function decodeText(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
}
