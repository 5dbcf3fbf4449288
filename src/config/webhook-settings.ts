import { parseNetwork, UNIX_PEER } from "../webhook/address-list.ts";
import { WEBHOOK_ROUTES, type WebhookRoute } from "../webhook/report-kind.ts";
import {
  HMAC_ALGORITHMS,
  HMAC_ENCODINGS,
  WEBHOOK_CHECKS,
  type WebhookCheck,
} from "../webhook/webhook-checks.ts";
import { type SettingSpec, setting } from "./setting.ts";
import { parsePublicUrl } from "./upstream-url.ts";
import * as types from "./value-types.ts";

const MIB = 1024 ** 2;

/** Stands for no check at all in `webhook.<route>.require`. */
const NO_CHECK = "none";

/** What a route asks for, as configured; undefined means everything that is. */
type Requirement = readonly WebhookCheck[] | undefined;

function requirements(): Record<`webhook.${WebhookRoute}.require`, SettingSpec<Requirement>> {
  const entries = WEBHOOK_ROUTES.map((route) => [
    `webhook.${route}.require`,
    setting(types.parsed(parseRequirement), {
      default: "",
      unit: "list of words",
      list: true,
      description: `What webhooks on /v1/${route} must have: \`secret\`, \`basic\`, \`hmac\`, \`ip\`, \`mtls\`, all of those named. Empty: everything that is configured. \`${NO_CHECK}\`: nothing.`,
    }),
  ]);
  return Object.fromEntries(entries);
}

function parseRequirement(text: string): Requirement {
  if (text === "") return undefined;
  if (text === NO_CHECK) return [];
  const words = types.splitList(text);
  const unknown = words.some((word) => !WEBHOOK_CHECKS.some((check) => check === word));
  if (unknown) throw new Error(`must be a list of ${WEBHOOK_CHECKS.join(", ")}, or ${NO_CHECK}`);
  return WEBHOOK_CHECKS.filter((check) => words.includes(check));
}

function parseProxy(text: string): void {
  if (text !== UNIX_PEER) parseNetwork(text);
}

function parseHeaderName(text: string): string {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(text))
    throw new Error("must be the name of an HTTP header");
  return text;
}

/** The settings of the webhook listener. */
export const WEBHOOK_SETTINGS = {
  "webhook.listen": setting(types.listenAddress(), {
    default: "127.0.0.1:8081",
    unit: "address",
    description:
      "Where Infobip's webhooks come in. Empty turns it off. May be any address: it faces the internet.",
  }),
  "webhook.public_url": setting(types.optionalUrl(parsePublicUrl), {
    default: "",
    unit: "URL",
    description:
      "URL under which Infobip reaches the webhook listener. When set, messages that name no webhook get this service's.",
  }),
  "webhook.secret": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description:
      "Last part of the webhook URLs, which keeps strangers out: at least 16 characters, letters, digits and `-._~`. Make one with `openssl rand -hex 24`. Required with `public_url`.",
  }),
  "webhook.basic_username": setting(types.optionalText(), {
    default: "",
    unit: "text",
    description: "User name that webhooks must come with (HTTP Basic).",
  }),
  "webhook.basic_password": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Password that webhooks must come with (HTTP Basic).",
  }),
  "webhook.hmac_secret": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Key that webhooks must be signed with (HMAC).",
  }),
  "webhook.hmac_algorithm": setting(types.choice(HMAC_ALGORITHMS), {
    default: "sha256",
    unit: "word",
    description: `Hash function of the signature: ${HMAC_ALGORITHMS.map((name) => `\`${name}\``).join(", ")}.`,
  }),
  "webhook.hmac_header": setting(types.parsed(parseHeaderName), {
    default: "X-Hub-Signature-256",
    unit: "text",
    description:
      "Header that holds the signature. Infobip documents no name: ask your account manager, or look at a webhook of your account.",
  }),
  "webhook.hmac_encoding": setting(types.choice(HMAC_ENCODINGS), {
    default: "hex",
    unit: "word",
    description:
      "How the signature is written: `hex` or `base64`, each also behind a prefix such as `sha256=`.",
  }),
  "webhook.allow_ips": setting(
    types.list((text) => void parseNetwork(text)),
    {
      default: "",
      unit: "list of networks",
      list: true,
      description: "Networks that webhooks may come from, such as `192.0.2.0/24, 2001:db8::/32`.",
    },
  ),
  "webhook.trusted_proxies": setting(types.list(parseProxy), {
    default: "",
    unit: "list of networks",
    list: true,
    description:
      "Networks of your own proxies: from them the sender's address is the last of X-Forwarded-For that is no proxy in the list. `unix` trusts whoever comes over a Unix socket.",
  }),
  ...requirements(),
  "webhook.max_body_bytes": setting(types.byteSize(1024, 256 * MIB), {
    default: "10MiB",
    unit: "bytes",
    description: "Largest webhook body taken.",
  }),
  "webhook.max_requests_per_second": setting(types.integer(1, 1_000_000), {
    default: "2000",
    unit: "count",
    description:
      "Most webhooks taken a second, of those that have what their route asks for; the others get 429 and come again.",
  }),
} as const;
