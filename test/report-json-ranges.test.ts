import fc from "fast-check";
import { expect, test } from "vitest";
import { findResultRanges } from "../src/infobip/reports/json-result-ranges.ts";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";

const space = fc.string({ unit: fc.constantFrom(" ", "\n", "\t", "\r"), maxLength: 3 });

/** JSON text of any value, with random space and random escapes. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; text: string }>((tie) => ({
  text: fc
    .string({ unit: "binary", maxLength: 8 })
    .chain((text) => fc.boolean().map((isEscaped) => (isEscaped ? escapeAll(text) : JSON.stringify(text)))),
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("null", "true", "false", "0", "-1.5e+30", "{}", "[]", '"\\\\"', '"\\""', '"[{]}"'),
    tie("text"),
    fc
      .tuple(space, fc.array(tie("value"), { maxLength: 4 }))
      .map(([gap, list]) => `[${gap}${list.join(`${gap},${gap}`)}${gap}]`),
    fc
      .tuple(space, fc.array(fc.tuple(tie("text"), tie("value")), { maxLength: 4 }))
      .map(
        ([gap, entries]) =>
          `{${gap}${entries.map(([key, value]) => `${key}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`,
      ),
  ),
})).value;

function escapeAll(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}"`;
}

const member = fc.tuple(
  fc.constantFrom('"results"', '"r\\u0065sults"', '"other"', '"results "', '"\\"results\\""'),
  jsonText,
);

test("the entries found are the entries that JSON.parse gives", () => {
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 4 }),
      fc.array(jsonText, { maxLength: 5 }),
      space,
      (members, items, gap) => {
        const list = `[${gap}${items.join(`${gap},`)}${gap}]`;
        const all = [...members.slice(0, 2), ['"results"', list], ...members.slice(2)];
        const text = `${gap}{${all.map(([key, value]) => `${gap}${key}${gap}:${value}`).join(",")}${gap}}${gap}`;
        const body = Buffer.from(text);
        const { results } = JSON.parse(body.toString()) as { results: unknown };
        const ranges = findResultRanges(body);
        const found = ranges?.map(({ start, end }) => JSON.parse(body.subarray(start, end).toString()));
        expect(found).toEqual(Array.isArray(results) ? results : undefined);
        // Exact bytes: no space around an entry belongs to it.
        for (const { start, end } of ranges ?? []) {
          const entry = body.subarray(start, end).toString();
          expect(entry).toBe(entry.trim());
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("any other value has no entries", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const parsed = JSON.parse(text) as { results?: unknown } | null;
      if (typeof parsed === "object" && parsed !== null && "results" in parsed) return;
      expect(findResultRanges(Buffer.from(text))).toBeUndefined();
    }),
  );
});

test("it comes to an end on bytes that are no JSON", () => {
  const starts = fc.constantFrom("{", '{"results":[', '{"results":["', '{"results":[{"a":');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), starts, (bytes, start) => {
      try {
        findResultRanges(Buffer.concat([Buffer.from(start), bytes]));
      } catch (error) {
        // Only a key that is no JSON text.
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
  );
});

test("a byte order mark is no part of the body", () => {
  const items = decodeReportBody(Buffer.from('\ufeff{"results":[ 1 ]}'), { xml: false });
  expect(items.map((item) => [item.value, Buffer.from(item.raw).toString()])).toEqual([[1, "1"]]);
});

test("each entry has a depth of its own", () => {
  const depths = findResultRanges(Buffer.from('{"results":[[[1],{}],2,"[[",{"a":[[{}]]},{}]}'))?.map(
    ({ depth }) => depth,
  );
  expect(depths).toEqual([2, 0, 0, 4, 1]);
});
