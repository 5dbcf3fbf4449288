import { nearest } from "./nearest.ts";
import type { ConfigProblem } from "./problem.ts";
import { ENVIRONMENT_PREFIX, environmentName, hasFileTwin } from "./setting.ts";
import { SETTING_PATHS, type SettingPath, settingSpec } from "./settings.ts";
import type { SourceEntry, SourceReading } from "./source.ts";

/** Variable that names the configuration file when --config does not. */
export const CONFIG_FILE_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`;

/** Variable that holds the token of the commands that call a service. */
export const TOKEN_VARIABLE = `${ENVIRONMENT_PREFIX}TOKEN`;
/** Variable that names a file with that token. */
export const TOKEN_FILE_VARIABLE = `${TOKEN_VARIABLE}_FILE`;
/** Variable that names the file with the authorities that those commands trust. */
export const TLS_CA_VARIABLE = `${ENVIRONMENT_PREFIX}TLS_CA`;
/** Variables of the commands that call a service, which may run in its environment. They are no settings. */
const CLIENT_VARIABLES: ReadonlySet<string> = new Set([
  TOKEN_VARIABLE,
  TOKEN_FILE_VARIABLE,
  TLS_CA_VARIABLE,
  // Those of the programs in docs/clients.
  ...["TARGET", "URL", "SILENCE_SECONDS"].map((name) => ENVIRONMENT_PREFIX + name),
]);

/**
 * Variables that Kubernetes sets by itself in every container when a Service
 * is called infobip-rpc or infobip-rpc-something. They are no settings.
 */
const KUBERNETES_SERVICE_LINK =
  /^INFOBIP_RPC_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

interface Target {
  readonly path: SettingPath;
  readonly isFileName: boolean;
}

/** Reads settings from environment variables. Variables without the prefix are not looked at. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): SourceReading {
  const targets = environmentTargets();
  const entries: SourceEntry[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || text === undefined || name === CONFIG_FILE_VARIABLE) continue;
    if (CLIENT_VARIABLES.has(name)) continue;
    const target = targets.get(name);
    if (target !== undefined) {
      entries.push({ ...target, text, origin: { kind: "environment", name } });
    } else if (!KUBERNETES_SERVICE_LINK.test(name)) {
      problems.push({
        setting: name,
        origin: "environment",
        message: unknownVariable(name, [...targets.keys()]),
      });
    }
  }
  return { entries, problems };
}

function environmentTargets(): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const path of SETTING_PATHS) {
    targets.set(environmentName(path), { path, isFileName: false });
    if (hasFileTwin(settingSpec(path)))
      targets.set(`${environmentName(path)}_FILE`, { path, isFileName: true });
  }
  return targets;
}

function unknownVariable(name: string, known: readonly string[]): string {
  const suggestion = nearest(name, known);
  return `unknown environment variable${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`;
}
