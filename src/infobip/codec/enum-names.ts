import type { DescEnum } from "@bufbuild/protobuf";

/** Names of an enum's values in Infobip's JSON: the protobuf name less the enum's prefix. Zero has none. */
export interface EnumNames {
  /** By number. */
  readonly names: ReadonlyMap<number, string>;
  /** By JSON name. */
  readonly numbers: ReadonlyMap<string, number>;
}

const cache = new WeakMap<DescEnum, EnumNames>();

/** Returns the JSON names of an enum. */
export function enumNames(desc: DescEnum): EnumNames {
  let entry = cache.get(desc);
  if (!entry) {
    const zero = desc.values.find((value) => value.number === 0);
    const prefix = zero?.name.replace(/UNSPECIFIED$/, "") ?? "";
    const pairs = desc.values
      .filter((value) => value.number !== 0)
      .map((value) => [value.number, value.name.slice(prefix.length)] as const);
    entry = { names: new Map(pairs), numbers: new Map(pairs.map(([number, name]) => [name, number])) };
    cache.set(desc, entry);
  }
  return entry;
}
