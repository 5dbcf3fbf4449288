import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { type SendResult, SendResultSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";

/** What SubmissionRecord.outcome holds. */
export interface StoredOutcome {
  /** Infobip's id of the request; undefined while it has not answered. */
  readonly bulkId: string | undefined;
  /** Why the last attempt failed; undefined once one has succeeded. */
  readonly lastError: Status | undefined;
  /** A request has left of which it is not known what became of it. */
  readonly mayHaveLeft: boolean;
  /** Attempts that failed, also those that ended before anything could leave. */
  readonly failures: number;
  /** One for each destination, once Infobip has answered. */
  readonly results: readonly SendResult[];
}

/** The outcome of a submission that has not been tried. */
export const NO_OUTCOME: StoredOutcome = {
  bulkId: undefined,
  lastError: undefined,
  mayHaveLeft: false,
  failures: 0,
  results: [],
};

// Protobuf's wire format. Results come last: lists get the beginning only.
const BULK_ID = 1;
const LAST_ERROR = 2;
const MAY_HAVE_LEFT = 3;
const FAILURES = 4;
const RESULT = 5;

/** Encodes an outcome. Details of results that are nested too deep to encode are left out. */
export function encodeOutcome(outcome: StoredOutcome): Uint8Array {
  const writer = new BinaryWriter();
  const { bulkId, lastError, mayHaveLeft, failures, results } = outcome;
  if (bulkId !== undefined) writer.tag(BULK_ID, WireType.LengthDelimited).string(bulkId.toWellFormed());
  if (lastError !== undefined) {
    writer.tag(LAST_ERROR, WireType.LengthDelimited).bytes(toBinary(StatusSchema, lastError));
  }
  if (mayHaveLeft) writer.tag(MAY_HAVE_LEFT, WireType.Varint).bool(true);
  if (failures > 0) writer.tag(FAILURES, WireType.Varint).uint32(failures);
  for (const result of results) {
    writer.tag(RESULT, WireType.LengthDelimited).bytes(encodeResult(result));
  }
  return writer.finish();
}

/** Decodes an outcome. With `withResults` false it also takes the beginning of one that is cut off within the results. */
export function decodeOutcome(bytes: Uint8Array, withResults: boolean): StoredOutcome {
  if (bytes.length === 0) return NO_OUTCOME;
  const results: SendResult[] = [];
  const outcome: MutableOutcome = { ...NO_OUTCOME, results };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === RESULT && !withResults) break;
    if (field === RESULT) results.push(fromBinary(SendResultSchema, reader.bytes()));
    else readField(reader, field, type, outcome);
  }
  return outcome;
}

type MutableOutcome = { -readonly [K in keyof StoredOutcome]: StoredOutcome[K] };

function readField(reader: BinaryReader, field: number, type: WireType, outcome: MutableOutcome): void {
  if (field === BULK_ID) outcome.bulkId = reader.string();
  else if (field === LAST_ERROR) outcome.lastError = fromBinary(StatusSchema, reader.bytes());
  else if (field === MAY_HAVE_LEFT) outcome.mayHaveLeft = reader.bool();
  else if (field === FAILURES) outcome.failures = reader.uint32();
  else reader.skip(type, field);
}

function encodeResult(result: SendResult): Uint8Array {
  try {
    return toBinary(SendResultSchema, result);
  } catch {
    return toBinary(SendResultSchema, { ...result, details: undefined });
  }
}
