import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { pageOfEverything } from "./fixtures/every-metric.ts";

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");

/** The part of the runbook below a heading, up to the next one of its kind. */
async function section(title: string): Promise<string> {
  const text = await read("docs/runbook.md");
  const [, part = ""] = text.split(`\n## ${title}\n`);
  return part.split("\n## ")[0] ?? "";
}

test("every alert has its heading, what it means, where to look and what to do, and no other has", async () => {
  const { groups } = parse(await read("deploy/prometheus/alerts.yaml"));
  const rules: { alert: string; labels: { severity: string } }[] = groups.flatMap(
    (group: { rules: unknown[] }) => group.rules,
  );
  const parts = (await section("Alerts")).split("\n### ").slice(1);
  expect(parts.map((part) => part.split("\n")[0])).toEqual(rules.map(({ alert }) => alert));
  for (const [index, part] of parts.entries()) {
    const { alert = "", labels } = rules[index] ?? {};
    expect(part, alert).toContain(`(\`${labels?.severity}\`)`);
    for (const point of ["Meaning", "Look", "Do"])
      expect(part, alert).toMatch(new RegExp(`^- ${point}: \\S.{10,}$`, "m"));
  }
});

test("every metric says what a bad value means and what to do, and nothing else is named", async () => {
  const rows = [...(await section("Metrics")).matchAll(/^\| `(\w+)` \| (\S.*?) \| (\S.*?) \|$/gm)];
  const { metrics } = await pageOfEverything();
  expect(rows.map(([, name]) => name).sort()).toEqual([...metrics.keys()].sort());
});

test("its links lead somewhere", async () => {
  const text = await read("docs/runbook.md");
  const anchors = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title.toLowerCase()));
  for (const [, path = "", anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)) {
    if (path !== "") await expect(read(`docs/${path}`), path).resolves.toBeDefined();
    else expect(anchors, anchor).toContain(anchor);
  }
});

test("what it and the alerts say of metrics, without their prefix, is the name of one", async () => {
  const { metrics } = await pageOfEverything();
  const known = [...metrics.keys()].map((name) => name.replace(/^infobip_rpc_/, ""));
  const named = [...(await section("Alerts")).matchAll(/`([a-z]+(?:_[a-z0-9]+)+)`/g)].map(
    ([, name = ""]) => name,
  );
  const labels = new Set([...metrics.values()].flatMap((metric) => metric.labels));
  const unknown = named.filter((name) => !known.includes(name) && !metrics.has(name) && !labels.has(name));
  expect(unknown.filter((name) => !["data_dir", "runbook_url"].includes(name))).toEqual([]);
});
