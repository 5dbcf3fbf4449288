import { createRequire } from "node:module";
import { extname } from "node:path";

type Protovalidate = typeof import("./protovalidate.ts");

const require = createRequire(import.meta.url);

let loaded: Protovalidate | undefined;

/**
 * protovalidate with its CEL interpreter, loaded at the first call: some 7 MiB and 50 ms that a process
 * does without as long as every request keeps its rules.
 * Its module lies beside this one, in the source and in the bundle, with the same ending.
 */
export function loadProtovalidate(): Protovalidate {
  loaded ??= require(`./protovalidate${extname(import.meta.url)}`) as Protovalidate;
  return loaded;
}
