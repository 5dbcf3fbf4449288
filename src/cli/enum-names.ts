import type { DescEnum } from "@bufbuild/protobuf";
import { nearest } from "../config/nearest.ts";
import { usageError } from "./cli-error.ts";

/** Name of an enum value without the enum's prefix: `SMS` for CHANNEL_SMS. */
export function enumName(desc: DescEnum, number: number): string {
  const name = desc.value[number]?.name ?? String(number);
  return name.slice(prefixOf(desc).length);
}

/** Number of an enum value by its name without prefix, in either case. Throws a usage error that suggests a name. */
export function enumNumber(desc: DescEnum, text: string): number {
  const known = desc.values.filter((value) => value.number !== 0);
  const name = text.toUpperCase().replaceAll("-", "_");
  const value = known.find((candidate) => enumName(desc, candidate.number) === name);
  if (value !== undefined) return value.number;
  const names = known.map((candidate) => enumName(desc, candidate.number));
  const suggestion = nearest(name, names);
  const hint = suggestion === undefined ? `use one of ${names.join(", ")}` : `did you mean ${suggestion}?`;
  throw usageError(`${desc.name} has no value ${JSON.stringify(text)}; ${hint}`);
}

function prefixOf(desc: DescEnum): string {
  const [zero] = desc.values;
  return zero === undefined ? "" : zero.name.replace(/UNSPECIFIED$/, "");
}
