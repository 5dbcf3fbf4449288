import { basename } from "node:path";
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from "yaml";
import { nearest } from "./nearest.ts";
import type { ConfigProblem } from "./problem.ts";
import { hasFileTwin } from "./setting.ts";
import { SETTING_PATHS, type SettingPath, settingSpec } from "./settings.ts";
import type { SourceEntry, SourceReading } from "./source.ts";

/** Most problems told of one file's syntax. */
const MAX_SYNTAX_PROBLEMS = 10;

interface FileReading {
  readonly entries: SourceEntry[];
  readonly problems: ConfigProblem[];
  readonly origin: (offset: number | undefined) => string;
}

/**
 * Reads settings from the text of a YAML file. All scalars are taken as the
 * text that stands there, so `0123` and `yes` stay what they are.
 */
export function readConfigFile(fileName: string, text: string): SourceReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: "failsafe", lineCounter: lines, logLevel: "silent" });
  const shortName = basename(fileName);
  const origin = (offset: number | undefined): string =>
    offset === undefined ? shortName : `${shortName}:${lines.linePos(offset).line}`;
  const reading: FileReading = { entries: [], problems: [], origin };
  if (document.errors.length > 0) {
    for (const error of document.errors.slice(0, MAX_SYNTAX_PROBLEMS)) {
      reading.problems.push({
        setting: shortName,
        origin: origin(error.pos[0]),
        message: `is no valid YAML: ${error.code}`,
      });
    }
  } else if (isMap(document.contents)) {
    readMap(document.contents, "", reading);
  } else if (!isEmpty(document.contents)) {
    reading.problems.push({
      setting: shortName,
      origin: shortName,
      message: "must hold a mapping of settings",
    });
  }
  return { entries: reading.entries, problems: reading.problems };
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && (node.value === "" || node.value === null));
}

function readMap(map: YAMLMap, prefix: string, reading: FileReading): void {
  for (const pair of map.items) readPair(pair, prefix, reading);
}

function readPair(pair: Pair, prefix: string, reading: FileReading): void {
  const key = isScalar(pair.key) ? String(pair.key.value) : "?";
  const path = prefix + key;
  const offset = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
  const origin = reading.origin(offset);
  const isGroup = SETTING_PATHS.some((known) => known.startsWith(`${path}.`));
  const target = fileTarget(path);
  if (isGroup && isMap(pair.value)) {
    readMap(pair.value, `${path}.`, reading);
  } else if (isGroup && !isEmpty(pair.value)) {
    reading.problems.push({ setting: path, origin, message: "must hold settings of its own" });
  } else if (isGroup) {
    return;
  } else if (target === undefined) {
    reading.problems.push({ setting: path, origin, message: unknownKey(path) });
  } else {
    const isList = settingSpec(target.path).list === true && !target.isFileName;
    const text = textOf(pair.value, isList);
    if (text === undefined) {
      const message = isList ? "must be a list of single values" : "must be a single value";
      reading.problems.push({ setting: path, origin, message });
      return;
    }
    reading.entries.push({ ...target, text, origin: { kind: "file", name: origin } });
  }
}

/** Text of a value; of a list its entries with commas between them. Undefined for anything else. */
function textOf(value: unknown, isList: boolean): string | undefined {
  if (value === null) return "";
  if (isScalar(value)) return String(value.value ?? "");
  if (!isList || !isSeq(value) || !value.items.every(isScalar)) return undefined;
  return value.items.map((item) => String(item.value ?? "")).join(",");
}

function fileTarget(path: string): { path: SettingPath; isFileName: boolean } | undefined {
  const exact = SETTING_PATHS.find((known) => known === path);
  if (exact !== undefined) return { path: exact, isFileName: false };
  const twin = SETTING_PATHS.find((known) => hasFileTwin(settingSpec(known)) && `${known}_file` === path);
  return twin === undefined ? undefined : { path: twin, isFileName: true };
}

function unknownKey(path: string): string {
  const groups = SETTING_PATHS.map((known) => known.split(".")[0] ?? known);
  const suggestion = nearest(path, [...SETTING_PATHS, ...new Set(groups)]);
  return `unknown setting${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`;
}
