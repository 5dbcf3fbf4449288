import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import { describeFile, messageOf, onlyService, repeated, scalar, typed } from "./describe-proto.ts";

const PACKAGE = "grpc.health.v1";
const STATUS_TYPE = `.${PACKAGE}.HealthCheckResponse.ServingStatus`;

/** Values of grpc.health.v1.HealthCheckResponse.ServingStatus. */
export const ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
/** A number of {@link ServingStatus}. */
export type ServingStatus = (typeof ServingStatus)[keyof typeof ServingStatus];

/** grpc/health/v1/health.proto. */
export const healthFile = describeFile({
  name: "grpc/health/v1/health.proto",
  package: PACKAGE,
  messageType: [
    { name: "HealthCheckRequest", field: [scalar("service", 1)] },
    {
      name: "HealthCheckResponse",
      field: [typed("status", 1, STATUS_TYPE, Type.ENUM)],
      enumType: [
        {
          name: "ServingStatus",
          value: Object.entries(ServingStatus).map(([name, number]) => ({ name, number })),
        },
      ],
    },
    { name: "HealthListRequest" },
    {
      name: "HealthListResponse",
      field: [repeated(typed("statuses", 1, `.${PACKAGE}.HealthListResponse.StatusesEntry`))],
      nestedType: [
        {
          name: "StatusesEntry",
          options: { mapEntry: true },
          field: [scalar("key", 1), typed("value", 2, `.${PACKAGE}.HealthCheckResponse`)],
        },
      ],
    },
  ],
  service: [
    {
      name: "Health",
      method: [
        method("Check", "HealthCheckRequest", "HealthCheckResponse"),
        method("List", "HealthListRequest", "HealthListResponse"),
        { ...method("Watch", "HealthCheckRequest", "HealthCheckResponse"), serverStreaming: true },
      ],
    },
  ],
});

/** grpc.health.v1.Health. */
export const healthService = onlyService(healthFile);
/** grpc.health.v1.HealthCheckResponse. */
export const healthCheckResponse = messageOf(healthFile, "HealthCheckResponse");
/** grpc.health.v1.HealthListResponse. */
export const healthListResponse = messageOf(healthFile, "HealthListResponse");

function method(name: string, input: string, output: string) {
  return { name, inputType: `.${PACKAGE}.${input}`, outputType: `.${PACKAGE}.${output}` };
}
