import type { ReadableValues, Report } from "./rules.ts";
import type { SettingPath } from "./settings.ts";

/** All rules about the names of TLS files; what the files hold is looked at when they are read. */
export function checkTls(values: ReadableValues, report: Report): void {
  checkPair("tls.cert_file", "tls.key_file", "tls.client_ca_file", values, report);
  checkPair("webhook.tls_cert_file", "webhook.tls_key_file", "webhook.tls_client_ca_file", values, report);
  checkClientAuth(values, report);
  if (values["webhook.tls_cert_file"] !== undefined && values["webhook.listen"]?.kind === "unix") {
    report("webhook.tls_cert_file", "has no effect on a Unix socket; leave it out, or listen on host:port");
  }
}

function isMissing(path: SettingPath, values: ReadableValues): boolean {
  return path in values && values[path] === undefined;
}

function checkPair(
  cert: SettingPath,
  key: SettingPath,
  ca: SettingPath,
  values: ReadableValues,
  report: Report,
): void {
  if (values[cert] !== undefined && isMissing(key, values)) report(key, `is required with ${cert}`);
  if (values[key] !== undefined && isMissing(cert, values)) report(cert, `is required with ${key}`);
  if (values[ca] !== undefined && isMissing(cert, values) && isMissing(key, values))
    report(cert, `is required with ${ca}`);
}

function checkClientAuth(values: ReadableValues, report: Report): void {
  const auth = values["tls.client_auth"];
  if (auth === undefined) return;
  if (auth === "off" && values["tls.client_ca_file"] !== undefined) {
    report("tls.client_auth", "is off and tls.client_ca_file is set; leave one of the two out");
  }
  if (auth !== "off" && isMissing("tls.client_ca_file", values)) {
    report("tls.client_ca_file", `is required with tls.client_auth: ${auth}`);
  }
}
