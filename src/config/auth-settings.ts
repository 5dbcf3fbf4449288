import { setting } from "./setting.ts";
import * as types from "./value-types.ts";

/** Who may call the service. */
export const AUTH_SETTINGS = {
  "auth.callers_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description:
      "YAML file with the callers, their tokens and certificates, and what each may do; changes of it count without a restart. Empty: whoever reaches the gRPC and HTTP listeners may do everything.",
  }),
} as const;
