import type { CallbackItem } from "./callback-bodies.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};
/** Characters that XML 1.0 cannot hold at all. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be found
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu;

/**
 * Writes delivery reports as Infobip's XML: `results` around one `results`
 * element per report, elements named like the JSON properties.
 */
export function toXmlReport(items: readonly CallbackItem[]): string {
  const results = items.map((item) => `<results>${toElements(item)}</results>`).join("");
  const root = "MessagesApiDeliveryReportResponse";
  return `<?xml version="1.0" encoding="UTF-8"?><${root}><results>${results}</results></${root}>`;
}

function toElements(value: object): string {
  return Object.entries(value)
    .filter(([, content]) => content !== undefined)
    .map(([name, content]) => `<${name}>${toContent(content)}</${name}>`)
    .join("");
}

function toContent(value: unknown): string {
  if (typeof value === "object" && value !== null) return toElements(value);
  return String(value)
    .replace(FORBIDDEN, "")
    .replace(/[&<>"']/gu, (character) => ESCAPES[character] ?? "");
}
