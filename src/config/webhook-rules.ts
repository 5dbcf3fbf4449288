import { WEBHOOK_ROUTES, type WebhookRoute } from "../webhook/report-kind.ts";
import type { WebhookCheck } from "../webhook/webhook-checks.ts";
import { hasRole } from "./has-role.ts";
import { isLocalAddress } from "./listen-address.ts";
import type { ReadableValues, Report } from "./rules.ts";
import type { SettingPath } from "./settings.ts";
import { requiredChecks } from "./webhook-config.ts";

/** Fewest characters of the secret in the webhook URLs. */
export const MIN_WEBHOOK_SECRET_LENGTH = 16;

const SECRET_ADVICE = "make one with: openssl rand -hex 24";

/** The setting without which a check cannot be made. */
const SETTING_OF_CHECK = {
  secret: "webhook.secret",
  basic: "webhook.basic_password",
  hmac: "webhook.hmac_secret",
  ip: "webhook.allow_ips",
  mtls: "webhook.tls_client_ca_file",
} as const satisfies Readonly<Record<WebhookCheck, SettingPath>>;

/** Routes whose URLs are put into messages, which can name a URL and nothing else. */
const ROUTES_IN_MESSAGES: ReadonlySet<WebhookRoute> = new Set(["delivery", "seen", "click"]);

/** All rules about webhooks and who may send them. */
export function checkWebhook(values: ReadableValues, report: Report): void {
  checkSecret(values, report);
  checkBasic(values, report);
  const required = requiredChecks(values);
  for (const route of WEBHOOK_ROUTES) {
    if (values[`webhook.${route}.require`] !== undefined) checkRequired(route, values, report);
    checkUrlInMessages(route, required[route], values, report);
  }
  // Without the role, the listener is not opened.
  if (hasRole(values, "intake")) checkOpenRoutes(required, values, report);
}

/** A public URL needs a secret, and a secret must be hard to guess and fit into a URL. */
function checkSecret(values: ReadableValues, report: Report): void {
  const secret = values["webhook.secret"];
  if (values["webhook.public_url"] !== undefined && "webhook.secret" in values && secret === undefined) {
    report("webhook.secret", `is required when webhook.public_url is set; ${SECRET_ADVICE}`);
  }
  if (secret === undefined) return;
  if (secret.reveal().length < MIN_WEBHOOK_SECRET_LENGTH) {
    report("webhook.secret", `must have at least ${MIN_WEBHOOK_SECRET_LENGTH} characters; ${SECRET_ADVICE}`);
  }
  if (!/^[A-Za-z0-9._~-]*$/.test(secret.reveal())) {
    report(
      "webhook.secret",
      `may hold letters, digits and -._~ only, because it is part of a URL; ${SECRET_ADVICE}`,
    );
  }
}

function checkBasic(values: ReadableValues, report: Report): void {
  const username = values["webhook.basic_username"];
  const isMissing = (path: SettingPath): boolean => path in values && values[path] === undefined;
  if (username !== undefined && isMissing("webhook.basic_password"))
    report("webhook.basic_password", "is required with webhook.basic_username");
  if (values["webhook.basic_password"] !== undefined && isMissing("webhook.basic_username"))
    report("webhook.basic_username", "is required with webhook.basic_password");
  if (username?.includes(":")) report("webhook.basic_username", "must not hold a colon: it ends the name");
}

/** A route can only ask for what is configured. */
function checkRequired(route: WebhookRoute, values: ReadableValues, report: Report): void {
  const path = `webhook.${route}.require` as const;
  for (const check of values[path] ?? []) {
    const needed = SETTING_OF_CHECK[check];
    if (!(needed in values)) continue;
    const value = values[needed];
    const isSet = Array.isArray(value) ? value.length > 0 : value !== undefined;
    if (!isSet) report(path, `names ${check}, so ${needed} is required`);
  }
}

/** Infobip sends neither password nor signature to a URL that a message names. */
function checkUrlInMessages(
  route: WebhookRoute,
  required: readonly WebhookCheck[],
  values: ReadableValues,
  report: Report,
): void {
  if (values["webhook.public_url"] === undefined || !ROUTES_IN_MESSAGES.has(route)) return;
  const impossible = required.filter((check) => check === "basic" || check === "hmac");
  if (impossible.length === 0) return;
  report(
    `webhook.${route}.require`,
    `asks for ${impossible.join(" and ")}, which Infobip does not send to the URL that webhook.public_url puts into messages; set it to secret, or to secret,ip, or leave webhook.public_url out`,
  );
}

/** What others can reach must ask for something. */
function checkOpenRoutes(
  required: ReturnType<typeof requiredChecks>,
  values: ReadableValues,
  report: Report,
): void {
  const listen = values["webhook.listen"];
  const isPublic = values["webhook.public_url"] !== undefined;
  if (listen === undefined || (isLocalAddress(listen) && !isPublic)) return;
  for (const route of WEBHOOK_ROUTES) {
    if (values[`webhook.${route}.require`]?.length !== 0) continue;
    report(`webhook.${route}.require`, "must not be none where other machines can reach the webhooks");
  }
  // Without any of it the routes that name nothing are all open, which is one mistake and not four.
  const isOpen = WEBHOOK_ROUTES.some(
    (route) => values[`webhook.${route}.require`] === undefined && required[route].length === 0,
  );
  const isUnreadable = Object.values(SETTING_OF_CHECK).some((path) => !(path in values));
  if (isOpen && !isPublic && !isUnreadable) {
    report(
      "webhook.secret",
      `must be set when webhook.listen can be reached from other machines; ${SECRET_ADVICE}`,
    );
  }
}
