import { createRequire } from "node:module";
import { extname } from "node:path";

type XmlParser = typeof import("./xml-parser.ts").XMLParser;

const require = createRequire(import.meta.url);

let loaded: XmlParser | undefined;

/**
 * The XML parser, loaded at the first call: 1 MiB and 15 ms that a process without XML reports does without.
 * Its module lies beside this one, in the source and in the bundle, with the same ending.
 */
export function loadXmlParser(): XmlParser {
  loaded ??= (require(`./xml-parser${extname(import.meta.url)}`) as { XMLParser: XmlParser }).XMLParser;
  return loaded;
}
