import { parseNatsUrls } from "./nats-urls.ts";
import * as nats from "./nats-value-types.ts";
import { setting } from "./setting.ts";
import * as types from "./value-types.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const MIB = 1024 ** 2;
const TIB = 1024 ** 4;

/** Where events are kept, and for how long. */
export const EVENT_LOG_SETTINGS = {
  data_dir: setting(types.requiredText(), {
    default: "./data",
    unit: "path",
    description:
      "Folder of the event log. Created when it is missing. With NATS it holds this process's copy of the log, which can be made again: a folder of its own for each process.",
  }),
  "eventlog.url": setting(types.parsed(parseNatsUrls), {
    default: "",
    unit: "list of URLs",
    list: true,
    description:
      "Engine of the event log. Empty: the embedded one, in `data_dir`, for one process. `nats://host:port` or `tls://host:port`, with commas between several servers: NATS JetStream, for any number of processes.",
  }),
  "eventlog.retention_age": setting(types.duration(MINUTE, 366 * DAY), {
    default: "7d",
    unit: "duration",
    description:
      "Events older than this are removed. Repeats of a webhook are recognised for as long. With NATS it is the maximum age of the stream of events, the same in all processes.",
  }),
  "eventlog.retention_bytes": setting(types.byteSize(16 * MIB, 16 * TIB), {
    default: "10GiB",
    unit: "bytes",
    description:
      "Size of the log beyond which the oldest events are removed, whatever their age. With NATS it is the maximum size of the stream of events, on each of its servers, and each process's copy in `data_dir` needs about as much.",
  }),
} as const;

/** The connection to NATS and the streams there. Without effect while `eventlog.url` is empty. */
export const NATS_SETTINGS = {
  "nats.prefix": setting(nats.streamPrefix(), {
    default: "INFOBIP_RPC",
    unit: "text",
    description:
      "Beginning of the streams' names; in lower case, of their subjects. Processes with the same one share everything. Another one, different in more than letter case, for each further log on the same servers.",
  }),
  "nats.replicas": setting(nats.replicas(), {
    default: "3",
    unit: "count",
    description:
      "Servers that keep each message: 1, 2, 3 or 5. More than half of them must be up to write, so 2 is safer than 1 against loss but not against an outage.",
  }),
  "nats.dedupe_window": setting(types.duration(MINUTE, 31 * DAY), {
    default: "2h",
    unit: "duration",
    description:
      "How long the servers remember events to refuse repeats, at about 291 bytes of their memory an event. Repeats that come later are dropped where events are read.",
  }),
  "nats.subscriptions_bytes": setting(types.byteSize(16 * MIB, TIB), {
    default: "1GiB",
    unit: "bytes",
    description: "Storage for subscriptions and their dead letters.",
  }),
  "nats.user": setting(types.optionalText(), {
    default: "",
    unit: "text",
    file: true,
    description: "User name at the servers, with `nats.password`.",
  }),
  "nats.password": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Password, with `nats.user`.",
  }),
  "nats.token": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Token, for servers that ask for one.",
  }),
  "nats.nkey_seed": setting(nats.nkeySeed(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Seed of a user's nkey, as `nk -gen user` prints it.",
  }),
  "nats.credentials": setting(nats.userCredentials(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Content of a .creds file: a user's JWT and its seed.",
  }),
  "nats.tls_ca": setting(nats.certificates(), {
    default: "",
    unit: "PEM",
    file: true,
    description:
      "Authorities that the servers' certificates are checked by. Empty: those that Node.js knows.",
  }),
  "nats.tls_cert": setting(nats.certificates(), {
    default: "",
    unit: "PEM",
    file: true,
    description: "Certificate of this service, for servers that ask for one.",
  }),
  "nats.tls_key": setting(nats.privateKey(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Private key of `nats.tls_cert` in PEM, without a passphrase.",
  }),
  "nats.connect_timeout": setting(types.duration(100, 10 * MINUTE), {
    default: "10s",
    unit: "duration",
    description: "Longest wait for the first connection; a start that has none by then fails.",
  }),
  "nats.request_timeout": setting(types.duration(100, MINUTE), {
    default: "5s",
    unit: "duration",
    description: "Longest wait for an answer of the servers, such as that an event is stored.",
  }),
  "nats.max_in_flight_bytes": setting(types.byteSize(MIB, 1024 * MIB), {
    default: "32MiB",
    unit: "bytes",
    description: "Most bytes on their way to the servers; what comes beyond fails with OVERLOADED.",
  }),
} as const;
