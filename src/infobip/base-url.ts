/** Where Infobip's API of one account is. */
export interface BaseUrl {
  /** Scheme, host and port, such as `https://xxxxx.api.infobip.com`. */
  readonly origin: string;
  /** Path in front of every endpoint's own, without a slash at its end; empty for most accounts. */
  readonly pathPrefix: string;
}

const ADVICE = "use the base URL of your account, such as https://xxxxx.api.infobip.com";

/**
 * Reads a base URL. A bare host gets https://, slashes at the end are dropped,
 * a path is kept as prefix. http:// is refused unless the host is loopback,
 * since it would show the credentials and every message to the network.
 * Throws an Error that says what is wrong and never repeats the text, which
 * may hold a password.
 */
export function parseBaseUrl(text: string): BaseUrl {
  const trimmed = text.trim();
  const url = URL.parse(trimmed.includes("://") ? trimmed : `https://${trimmed}`);
  if (url === null) throw new Error(`is not a URL; ${ADVICE}`);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new Error(`must begin with https://; ${ADVICE}`);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Error("must begin with https://; plain http:// is allowed to this machine only");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error("must not hold credentials; they have options of their own");
  }
  if (url.search !== "" || url.hash !== "") throw new Error("must not hold a query or fragment");
  return { origin: url.origin, pathPrefix: url.pathname.replace(/\/+$/, "") };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
