import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import { encodeRest, UnencodableError } from "../infobip/codec/encode.ts";

/** Writes a request as Infobip's JSON; a value JSON cannot hold is the caller's REQUEST_INVALID. */
export function encodeRequest<D extends DescMessage>(schema: D, request: MessageShape<D>): string {
  try {
    return encodeRest(schema, request);
  } catch (error) {
    if (!(error instanceof UnencodableError)) throw error;
    const violation = {
      field: error.fieldPath,
      description: "must be finite and between the years 1 and 9999",
    };
    throw new ServiceError(
      Code.InvalidArgument,
      "REQUEST_INVALID",
      "the request holds a number or time that JSON cannot express; see the field violations",
      { violations: [violation], metadata: { outcome: "NOT_SENT" } },
    );
  }
}
