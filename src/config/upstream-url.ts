import { parseBaseUrl } from "../infobip/base-url.ts";

/** Reads the base URL of an Infobip account as the client does; the value has no slash at its end. Throws an Error that says what is wrong. */
export function parseUpstreamUrl(text: string): string {
  const { origin, pathPrefix } = parseBaseUrl(text);
  return origin + pathPrefix;
}

/** Reads the URL under which Infobip reaches the webhook listener. Throws an Error that says what is wrong. */
export function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new Error("must be a URL such as https://hooks.example.com");
  }
  if (url.username !== "" || url.password !== "")
    throw new Error("must not hold credentials; use webhook.secret");
  if (url.search !== "" || url.hash !== "") throw new Error("must not hold a query or fragment");
  return url.href.replace(/\/+$/, "");
}
