import { setting } from "./setting.ts";
import * as types from "./value-types.ts";

const MINUTE = 60_000;
const TIB = 1024 ** 4;

/** Settings of the log lines about single messages. */
export const MESSAGE_LOG_SETTINGS = {
  "log.messages": setting(types.flag(), {
    default: "true",
    unit: "true or false",
    description:
      "Write a line for each message that was sent or not and for each event that was stored: ids, channel, outcome, and the destination as a keyed hash with its last two digits. Never a text or a phone number.",
  }),
  "log.phone_key": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description:
      "Key of the hash that stands for a destination in the log. Give all instances the same one to find a destination in all their logs; empty: a random one for each process.",
  }),
} as const;

/** Settings of how the process ends. */
export const LIFECYCLE_SETTINGS = {
  drain_delay: setting(types.duration(0, 10 * MINUTE), {
    default: "0s",
    unit: "duration",
    description:
      "How long a draining service goes on serving as before while its health is NOT_SERVING and /readyz answers 503, so that load balancers stop sending to it first. Counts into drain_timeout. A sidecar needs none.",
  }),
  termination_message_file: setting(types.optionalText(), {
    default: "",
    unit: "file",
    description:
      "File that is told why the process ended, as JSON of at most 4096 bytes; /dev/termination-log in Kubernetes. Empty: none.",
  }),
} as const;

/** Settings of the memory guard. */
export const MEMORY_SETTINGS = {
  "limits.memory": setting(
    types.parsed((text) => {
      if (text === "auto") return undefined;
      const value = types.byteSize(0, TIB).safeParse(text);
      if (value.success) return value.data;
      throw new Error("must be auto or a size such as 512MiB; 0 turns the guard off");
    }),
    {
      default: "auto",
      unit: "bytes",
      description:
        "Memory of the process within 5 % of which calls that send and streams are refused with OVERLOADED. `auto`: the limit of the control group, none where there is none; 0: never.",
    },
  ),
} as const;
