import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import { encodeRest, UnencodableError } from "../infobip/codec/encode.ts";

/**
 * Writes a request, or the part of it that stands at `path`, as Infobip's
 * JSON. Throws ServiceError REQUEST_INVALID for a value that JSON cannot hold.
 */
export function encodeRequest<D extends DescMessage>(schema: D, part: MessageShape<D>, path = ""): string {
  try {
    return encodeRest(schema, part);
  } catch (error) {
    if (!(error instanceof UnencodableError)) throw error;
    const violation = {
      field: path === "" ? error.fieldPath : `${path}.${error.fieldPath}`,
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
