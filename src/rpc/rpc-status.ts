import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { type ServiceError, toConnectError } from "../errors.ts";

/** The google.rpc.Status of an error: the code, text and details that a Connect client gets. */
export function toRpcStatus(error: ServiceError): Status {
  const { code, rawMessage, details } = toConnectError(error);
  return create(StatusSchema, {
    code,
    message: rawMessage,
    details: details.flatMap((detail) =>
      "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
    ),
  });
}
