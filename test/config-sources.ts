import type { ConfigSources } from "../src/config/load-config.ts";

/** The least environment that makes a valid configuration. */
export const VALID = {
  INFOBIP_RPC_UPSTREAM_BASE_URL: "https://abc.api.infobip.com",
  INFOBIP_RPC_UPSTREAM_API_KEY: "key-that-nobody-may-see",
} as const;

/** Sources of a configuration; `files` are what readTextFile finds. */
export function sources(
  environment: Readonly<Record<string, string>>,
  flags: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): ConfigSources {
  return {
    flags: new Map(Object.entries(flags)),
    environment,
    file: files["config.yaml"] === undefined ? undefined : "config.yaml",
    readTextFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Error("no such file");
      return text;
    },
  };
}
