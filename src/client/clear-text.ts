import type { ClientOptions } from "./client-options.ts";

const LOCAL_TARGET = /^(?:unix(?:-abstract)?:.*|(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?)$/;

/** Whether calls go to another machine without TLS. What is not sure to stay on this one counts as leaving it. */
export function isReadable(options: ClientOptions): boolean {
  if (options.transport !== "connect") return options.tls === undefined && !LOCAL_TARGET.test(options.target);
  const { protocol, host } = new URL(options.baseUrl);
  return protocol !== "https:" && !LOCAL_TARGET.test(host);
}
