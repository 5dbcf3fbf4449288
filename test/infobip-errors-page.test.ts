import { readFileSync } from "node:fs";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
const source = readFileSync(new URL("../src/errors.ts", import.meta.url), "utf8");

function reasonsInSource(): string[] {
  const union = /export type Reason =([^;]+);/.exec(source)?.[1] ?? "";
  return [...union.matchAll(/"([A-Z_]+)"/g)].map((match) => match[1] ?? "");
}

function rows(): string[][] {
  const table = page.slice(page.indexOf("## Reasons"), page.indexOf("How the outcome"));
  return [...table.matchAll(/^\| ([A-Z_]+) \|(.*)\|$/gm)].map(([, reason = "", rest = ""]) => [
    reason,
    ...rest.split("|").map((cell) => cell.trim()),
  ]);
}

test("the page has every reason and no other", () => {
  const documented = new Set(rows().map(([reason]) => reason));
  expect(reasonsInSource().length).toBeGreaterThan(15);
  expect([...documented].sort()).toEqual(reasonsInSource().sort());
});

test("codes and outcomes on the page are real ones", () => {
  const codes = new Set(
    Object.keys(Code)
      .filter((name) => Number.isNaN(Number(name)))
      .map((name) =>
        name === "Canceled" ? "CANCELLED" : name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase(),
      ),
  );
  for (const [reason, code = "", domain, , outcome = ""] of rows()) {
    for (const name of code.replace(" and others", "").split(", ")) expect(codes, reason).toContain(name);
    expect(["infobip-rpc", "api.infobip.com"], reason).toContain(domain);
    expect(outcome, reason).toMatch(
      /^(SENT|NOT_SENT|UNKNOWN|–|NOT_SENT where given, .*|NOT_SENT; UNKNOWN where .*)$/,
    );
    if (code === "UNAVAILABLE") expect(outcome, reason).not.toBe("UNKNOWN");
  }
});
