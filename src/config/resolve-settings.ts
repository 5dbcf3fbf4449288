import type { ConfigProblem } from "./problem.ts";
import { SETTING_PATHS, type SettingPath, type SettingValues, settingSpec } from "./settings.ts";
import { shownText } from "./shown-text.ts";
import type { Origin, ReadTextFile, SourceEntry, SourceReading } from "./source.ts";

/** Largest file that holds one secret, in bytes. */
const MAX_SECRET_FILE_BYTES = 64 * 1024;
/** Largest file that holds one setting which is no secret, such as a list of certificates, in bytes. */
const MAX_TEXT_FILE_BYTES = 1024 * 1024;

/** One setting with its value and where it came from. */
export interface ResolvedSetting {
  readonly path: SettingPath;
  /** For people to look at, never the value: the text as given, without secrets and in one line. */
  readonly shown: string;
  readonly origin: Origin;
}

/** All settings after the sources have been laid over each other. */
export interface ResolvedSettings {
  readonly settings: readonly ResolvedSetting[];
  /** Values of the settings that could be read; complete when there is no problem. */
  readonly values: Partial<SettingValues>;
  readonly problems: readonly ConfigProblem[];
}

/** Lays sources over each other: a later one wins. What no source gives has its default. */
export async function resolveSettings(
  sources: readonly SourceReading[],
  readTextFile: ReadTextFile,
): Promise<ResolvedSettings> {
  const problems: ConfigProblem[] = sources.flatMap((source) => [...source.problems]);
  const settings: ResolvedSetting[] = [];
  const values: Record<string, unknown> = {};
  for (const path of SETTING_PATHS) {
    const entry = winner(path, sources, problems);
    const text = await entryText(entry, readTextFile, problems);
    settings.push({ path, shown: shownText(settingSpec(path), text ?? ""), origin: entry.origin });
    if (text === undefined) continue;
    const result = settingSpec(path).type.safeParse(text);
    if (result.success) values[path] = result.data;
    else problems.push(problemOf(entry, result.error.issues.map((issue) => issue.message).join("; ")));
  }
  return { settings, values: values as Partial<SettingValues>, problems };
}

function winner(
  path: SettingPath,
  sources: readonly SourceReading[],
  problems: ConfigProblem[],
): SourceEntry {
  let best: SourceEntry = {
    path,
    text: settingSpec(path).default,
    isFileName: false,
    origin: { kind: "default", name: "default" },
  };
  for (const source of sources) {
    const [first, second] = source.entries.filter((entry) => entry.path === path);
    if (first !== undefined && second !== undefined) {
      problems.push(problemOf(second, `given twice; remove this or ${first.origin.name}`));
    }
    best = first ?? best;
  }
  return best;
}

async function entryText(
  entry: SourceEntry,
  readTextFile: ReadTextFile,
  problems: ConfigProblem[],
): Promise<string | undefined> {
  if (!entry.isFileName) return entry.text;
  const maxBytes = settingSpec(entry.path).secret ? MAX_SECRET_FILE_BYTES : MAX_TEXT_FILE_BYTES;
  try {
    return (await readTextFile(entry.text, maxBytes)).replace(/\r?\n$/, "");
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown error";
    problems.push(problemOf(entry, `its file cannot be read: ${reason}`));
    return undefined;
  }
}

function problemOf(entry: SourceEntry, message: string): ConfigProblem {
  return { setting: entry.path, origin: entry.origin.name, message };
}
