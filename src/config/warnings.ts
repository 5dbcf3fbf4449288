import { parseNetwork, UNIX_PEER } from "../webhook/address-list.ts";
import type { Config } from "./config.ts";
import type { SettingPath } from "./settings.ts";
import { storageWarnings } from "./storage-warnings.ts";
import type { TelemetryVariable } from "./telemetry-variables.ts";
import { tlsWarnings } from "./tls-warnings.ts";

/** A combination of settings that works and may still not be what was meant. */
export interface ConfigWarning {
  /** A setting, or a variable of OpenTelemetry. */
  readonly setting: SettingPath | TelemetryVariable;
  /** What happens, and what to do. */
  readonly message: string;
}

/** Whatever of a configuration is worth a second look. For `config check` and for the log at the start. */
export function configWarnings(config: Config): ConfigWarning[] {
  const { pull, webhook, roles } = config;
  const warnings = [...storageWarnings(config), ...tlsWarnings(config), ...config.telemetry.warnings];
  if (pull.reports && webhook.publicUrl !== undefined) {
    warnings.push({
      setting: "pull.reports",
      message:
        "is on while webhook.public_url is set; repeats are stored once, but Infobip does not say whether it hands out reports that it has pushed, so turn one of the two off unless you mean both",
    });
  }
  if (webhook.publicUrl !== undefined && webhook.listen === undefined && roles.includes("intake")) {
    warnings.push({
      setting: "webhook.listen",
      message:
        "is empty while webhook.public_url is set; messages name that URL, so another instance of this service must listen there",
    });
  }
  const { allowIps, trustedProxies } = webhook.security;
  if (allowIps.length > 0 && trustedProxies.some(holdsEveryAddress)) {
    warnings.push({
      setting: "webhook.trusted_proxies",
      message:
        "holds every address, so whoever calls can write any sender into X-Forwarded-For and webhook.allow_ips keeps nobody out; name your proxies only",
    });
  }
  return warnings;
}

function holdsEveryAddress(network: string): boolean {
  return network !== UNIX_PEER && parseNetwork(network).prefix === 0;
}
