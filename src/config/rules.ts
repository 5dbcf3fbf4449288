import type { UpstreamAuth } from "./config.ts";
import { checkListeners } from "./listener-rules.ts";
import { checkNats } from "./nats-rules.ts";
import type { SettingPath, SettingValues } from "./settings.ts";
import { checkTls } from "./tls-rules.ts";
import { checkWebhook } from "./webhook-rules.ts";

/** Reports that a setting, in view of the others, is wrong. */
export type Report = (setting: SettingPath, message: string) => void;

/** Values that may lack the settings whose text could not be read; those have been reported already. */
export type ReadableValues = Partial<SettingValues>;

/** The credentials of the chosen scheme; undefined, and reported, when one is missing. */
export function upstreamAuth(values: ReadableValues, report: Report): UpstreamAuth | undefined {
  const need = <P extends SettingPath>(path: P): NonNullable<SettingValues[P]> | undefined => {
    const value = values[path];
    if (path in values && value === undefined)
      report(path, `is required with auth: ${values["upstream.auth"]}`);
    return value ?? undefined;
  };
  switch (values["upstream.auth"]) {
    case "app": {
      const apiKey = need("upstream.api_key");
      return apiKey && { type: "app", apiKey };
    }
    case "basic": {
      const username = need("upstream.username");
      const password = need("upstream.password");
      return username !== undefined && password ? { type: "basic", username, password } : undefined;
    }
    case "ibsso": {
      const token = need("upstream.ibsso_token");
      return token && { type: "ibsso", token };
    }
    case "oauth": {
      const clientId = need("upstream.client_id");
      const clientSecret = need("upstream.client_secret");
      return clientId !== undefined && clientSecret ? { type: "oauth", clientId, clientSecret } : undefined;
    }
    default:
      return undefined;
  }
}

/** The base URL; undefined, and reported, when it is not set. */
export function upstreamBaseUrl(values: ReadableValues, report: Report): string | undefined {
  const baseUrl = values["upstream.base_url"];
  if ("upstream.base_url" in values && baseUrl === undefined) {
    report(
      "upstream.base_url",
      "is required: the base URL of your Infobip account, such as https://xxxxx.api.infobip.com",
    );
  }
  return baseUrl;
}

/** All rules between settings that give no value. */
export function checkRules(values: ReadableValues, report: Report): void {
  checkListeners(values, report);
  checkWebhook(values, report);
  checkNats(values, report);
  checkTls(values, report);
}
