import { hasRole } from "./has-role.ts";
import { formatListenAddress, isLocalAddress } from "./listen-address.ts";
import type { ReadableValues, Report } from "./rules.ts";
import type { SettingPath } from "./settings.ts";

/** API listeners stay on this machine unless told otherwise, there is a way in for each role, and no two share an address. */
export function checkListeners(values: ReadableValues, report: Report): void {
  checkAddresses(values, report);
  const isOff = (path: SettingPath): boolean => path in values && values[path] === undefined;
  if (servesApi(values)) {
    if (isOff("grpc.listen") && isOff("http.listen"))
      report("grpc.listen", "is off and so is http.listen; turn one of them on");
  } else if (isOff("webhook.listen") && values["pull.reports"] === false && !values["pull.inbound"]?.length) {
    report("webhook.listen", "is off and nothing is pulled, so roles: intake has nothing to do; turn one on");
  }
}

function servesApi(values: ReadableValues): boolean {
  return hasRole(values, "send") || hasRole(values, "events");
}

/** One of the two without the other is reported by itself. */
function hasTls(values: ReadableValues): boolean {
  return values["tls.cert_file"] !== undefined || values["tls.key_file"] !== undefined;
}

/** Looks at the listeners that the roles open. */
function checkAddresses(values: ReadableValues, report: Report): void {
  const api = servesApi(values) ? (["grpc.listen", "http.listen"] as const) : [];
  const webhook = hasRole(values, "intake") ? (["webhook.listen"] as const) : [];
  const taken = new Map<string, SettingPath>();
  for (const path of [...api, ...webhook, "admin.listen"] as const) {
    const address = values[path];
    if (address === undefined) continue;
    const isApi = path === "grpc.listen" || path === "http.listen";
    if (isApi && !isLocalAddress(address) && !hasTls(values) && values.insecure_listen === false) {
      report(
        path,
        "can be reached by other machines without TLS; set tls.cert_file and tls.key_file, use a loopback address or a Unix socket, or set insecure_listen: true",
      );
    }
    const key = formatListenAddress(address);
    const other = taken.get(key);
    if (other !== undefined && !(address.kind === "tcp" && address.port === 0))
      report(path, `is the address of ${other} too`);
    taken.set(key, path);
  }
}
