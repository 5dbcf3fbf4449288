import { type Command, Option } from "commander";
import { SETTING_FLAGS, type SettingFlag } from "../config/flag-source.ts";
import type { ConfigSources } from "../config/load-config.ts";
import type { SettingPath } from "../config/settings.ts";
import type { CliContext } from "./cli-context.ts";

/** Adds --config and one flag for every setting, or for those of which `isWanted` holds. */
export function addSettingOptions(
  command: Command,
  isWanted: (path: SettingPath) => boolean = () => true,
): Command {
  command.option("--config <file>", "YAML file with settings; else INFOBIP_RPC_CONFIG names it");
  for (const flag of SETTING_FLAGS) if (isWanted(flag.path)) command.addOption(settingOption(flag));
  return command;
}

/** The sources of the configuration that a command line names. */
export function configSources(
  context: CliContext,
  options: Readonly<Record<string, unknown>>,
): ConfigSources {
  const flags = new Map<string, string>();
  for (const flag of SETTING_FLAGS) {
    const value = options[settingOption(flag).attributeName()];
    if (value !== undefined) flags.set(flag.name, String(value));
  }
  const file = options.config;
  return {
    flags,
    environment: context.environment,
    file: typeof file === "string" ? file : undefined,
    readTextFile: context.files.read,
  };
}

function settingOption(flag: SettingFlag): Option {
  const value = flag.isSwitch ? "[true|false]" : `<${flag.unit.replaceAll(" ", "-").toLowerCase()}>`;
  const initial = flag.default === "" || flag.isFileName ? "" : ` (default: ${flag.default})`;
  const option = new Option(`${flag.name} ${value}`, flag.description.replaceAll("`", "") + initial);
  const [group] = flag.path.includes(".") ? flag.path.split(".") : ["other"];
  option.helpGroup(`Settings, ${group}:`);
  return flag.isSwitch ? option.preset("true") : option;
}
