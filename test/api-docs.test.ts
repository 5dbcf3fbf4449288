import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { API_PAGES, apiReference } from "../docs/api-reference.ts";
import { readProtoFiles } from "../docs/proto-files.ts";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";

const files = readProtoFiles();
const pages = Object.entries(API_PAGES).map(([name, packageName]) => ({
  name,
  path: new URL(`../docs/api/${name}.md`, import.meta.url),
  text: apiReference(packageName, files),
}));

test.each(pages)("docs/api/$name.md is what `npm run docs` makes", async ({ path, text }) => {
  expect(await readFile(path, "utf8")).toBe(text);
});

test("every method has a section with its comment", () => {
  const text = pages.map((page) => page.text).join("");
  for (const { name } of [...MessagesService.methods, ...EventsService.methods])
    expect(text).toMatch(new RegExp(`^### ${name}\\n\\n.*→.*\\n\\n\\w`, "m"));
});

test("every link leads to a heading", () => {
  const headings = new Map(pages.map(({ name, text }) => [name, anchorsOf(text)]));
  for (const anchors of headings.values()) expect(anchors).toEqual([...new Set(anchors)]);
  for (const { name, text } of pages)
    for (const [, page, anchor = ""] of text.matchAll(/\]\((?:(\w+)\.md)?#([^)]+)\)/g))
      expect(headings.get(page ?? name), `${name}: ${anchor}`).toContain(anchor);
});

test("every field has a meaning, and rules are shown", () => {
  for (const { text } of pages) {
    const rows = text.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows.filter((row) => / \|\s+\|/.test(row.split("|").slice(0, 4).join("|")))).toEqual([]);
    expect(text).toContain("`string.maxLen: ");
  }
});

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(/[^\w-]/g, ""),
  );
}
