import type { UpstreamAuth } from "./config.ts";
import { formatListenAddress, isLocalAddress } from "./listen-address.ts";
import type { SettingPath, SettingValues } from "./settings.ts";
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

/** API listeners stay on this machine unless told otherwise, one is on, and no two share an address. */
function checkListeners(values: ReadableValues, report: Report): void {
  const paths = ["grpc.listen", "http.listen", "webhook.listen", "admin.listen"] as const;
  const taken = new Map<string, SettingPath>();
  for (const path of paths) {
    const address = values[path];
    if (address === undefined) continue;
    const isApi = path === "grpc.listen" || path === "http.listen";
    if (isApi && !isLocalAddress(address) && values.insecure_listen === false) {
      report(
        path,
        "can be reached by other machines without TLS or authentication; use a loopback address or a Unix socket, or set insecure_listen: true",
      );
    }
    const key = formatListenAddress(address);
    const other = taken.get(key);
    if (other !== undefined && !(address.kind === "tcp" && address.port === 0))
      report(path, `is the address of ${other} too`);
    taken.set(key, path);
  }
  const isOff = (path: SettingPath): boolean => path in values && values[path] === undefined;
  if (isOff("grpc.listen") && isOff("http.listen"))
    report("grpc.listen", "is off and so is http.listen; turn one of them on");
}

/** The engine must be one that this build has. */
function checkEventLog(values: ReadableValues, report: Report): void {
  const url = values["eventlog.url"];
  if (url === undefined) return;
  if (/^(nats|tls):\/\//.test(url))
    report("eventlog.url", "this build has the embedded engine only; leave it empty");
  else report("eventlog.url", "must be empty, which means the embedded engine");
}

/** All rules between settings that give no value. */
export function checkRules(values: ReadableValues, report: Report): void {
  checkListeners(values, report);
  checkWebhook(values, report);
  checkEventLog(values, report);
}
