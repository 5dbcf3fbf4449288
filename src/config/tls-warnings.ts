import type { Config } from "./config.ts";
import { isLocalAddress } from "./listen-address.ts";
import type { SettingPath } from "./settings.ts";
import type { ConfigWarning } from "./warnings.ts";

/** What is doubtful about how API clients reach the service. */
export function tlsWarnings(config: Config): ConfigWarning[] {
  const { tls, grpc, http, auth, roles } = config;
  if (!roles.includes("send") && !roles.includes("events")) return [];
  const given = [grpc.listen, http.listen].filter((address) => address !== undefined);
  const isRemote = given.some((address) => !isLocalAddress(address));
  const warnings: ConfigWarning[] = [];
  const warn = (setting: SettingPath, message: string): void => {
    warnings.push({ setting, message });
  };
  if (tls !== undefined && given.length > 0 && given.every(({ kind }) => kind === "unix")) {
    warn(
      "tls.cert_file",
      "has no effect: the gRPC and HTTP listeners are on Unix sockets, which are always plain",
    );
  }
  if (isRemote && auth.callersFile === undefined && tls?.clientAuth !== "required") {
    const setting = grpc.listen !== undefined && !isLocalAddress(grpc.listen) ? "grpc.listen" : "http.listen";
    warn(
      setting,
      "can be reached by other machines, and callers show neither a token nor a certificate, so whoever reaches it sends at your cost; set auth.callers_file, or tls.client_ca_file",
    );
  }
  if (isRemote && auth.callersFile !== undefined && tls === undefined) {
    warn(
      "insecure_listen",
      "lets tokens of auth.callers_file go over the network in the clear; set tls.cert_file and tls.key_file",
    );
  }
  return warnings;
}
