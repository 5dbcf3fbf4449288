import { INBOUND_PULL_CHANNELS, MAX_PULL_LIMIT } from "../infobip/report-source.ts";
import { setting } from "./setting.ts";
import * as types from "./value-types.ts";

const MINUTE = 60_000;

/** What is fetched from Infobip, for a service that webhooks cannot reach. */
export const PULL_SETTINGS = {
  "pull.reports": setting(types.flag(), {
    default: "false",
    unit: "true or false",
    description:
      "Fetch delivery reports from Infobip, for a service that Infobip's webhooks cannot reach. It takes them away from every other poller of the account.",
  }),
  "pull.inbound": setting(types.words(INBOUND_PULL_CHANNELS), {
    default: "",
    unit: "list of words",
    list: true,
    description: `Channels whose inbound messages are fetched from Infobip: ${INBOUND_PULL_CHANNELS.join(", ")}. They are taken away from every other poller of the account.`,
  }),
  "pull.interval": setting(types.duration(1000, 10 * MINUTE), {
    default: "5s",
    unit: "duration",
    description: "Wait between two fetches. After a full page there is none.",
  }),
  "pull.limit": setting(types.integer(1, MAX_PULL_LIMIT), {
    default: "500",
    unit: "count",
    description: "Most items fetched at a time, which is also the most that a crash can lose of each source.",
  }),
} as const;
