/** Bytes before the body of a frame. */
export const FRAME_HEADER_BYTES = 23;

/** What a frame says; goes over the wire, so a number never changes its meaning. */
export const FrameType = {
  /** Begins a call: JSON of {@link OpenBody} with its length before it, then the first part of a unary request. */
  OPEN: 1,
  /** The owner runs the call. Body: bytes that the caller may send. */
  ACCEPT: 2,
  /** The owner has not run the call and will not. Body: {@link Refusal}. */
  REFUSE: 3,
  /** Part of a message. */
  DATA: 4,
  /** The caller sends no more requests. Body: empty, or the google.rpc.Status that they failed with. */
  END: 5,
  /** The receiver takes so many further bytes. */
  CREDIT: 6,
  /** The call has ended. Body: part of a google.rpc.Status. */
  STATUS: 7,
  /** The caller gives the call up. Body: the google.rpc.Status that says why. */
  CANCEL: 8,
  /** The sender lives. Body: the numbers of all its calls with the receiver, of one direction. */
  PING: 9,
  /** Asks who owns a unit. Body: its name. */
  ASK: 10,
  /** Body: {@link Answer}. */
  ANSWER: 11,
  /** The caller's process is about to stop. Body: milliseconds until it does, as in CREDIT. */
  DRAIN: 12,
} as const;

/** Value of {@link FrameType}. */
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Message between two processes of the fleet. */
export interface Frame {
  readonly type: FrameType;
  /** From the owner to the caller, or the other way round. */
  readonly toCaller: boolean;
  /** Ends its message; else further parts follow. */
  readonly isLast: boolean;
  /** Instance id of the sender. */
  readonly from: string;
  /** Number that the caller has given to the call. */
  readonly call: number;
  /** Counts the frames of a call in one direction, from 0: a gap tells that one was lost. */
  readonly sequence: number;
  readonly body: Uint8Array;
}

const VERSION = 1;
const TO_CALLER = 1;
const LAST = 2;

/** Writes a frame: version, type, flags, sender, call, sequence, body. */
export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + frame.body.length);
  bytes[0] = VERSION;
  bytes[1] = frame.type;
  bytes[2] = (frame.toCaller ? TO_CALLER : 0) | (frame.isLast ? LAST : 0);
  bytes.write(frame.from, 3, 8, "hex");
  bytes.writeDoubleLE(frame.call, 11);
  bytes.writeUInt32LE(frame.sequence, 19);
  bytes.set(frame.body, FRAME_HEADER_BYTES);
  return bytes;
}

/** Reads a frame; undefined for anything else, such as a frame of another version. The body is not copied. */
export function decodeFrame(data: Uint8Array): Frame | undefined {
  if (data.length < FRAME_HEADER_BYTES || data[0] !== VERSION) return undefined;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const type = bytes[1] ?? 0;
  const flags = bytes[2] ?? 0;
  if (type < FrameType.OPEN || type > FrameType.DRAIN) return undefined;
  return {
    type: type as FrameType,
    toCaller: (flags & TO_CALLER) !== 0,
    isLast: (flags & LAST) !== 0,
    from: bytes.toString("hex", 3, 11),
    call: bytes.readDoubleLE(11),
    sequence: bytes.readUInt32LE(19),
    body: data.subarray(FRAME_HEADER_BYTES),
  };
}
