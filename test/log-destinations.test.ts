import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { DestinationNames } from "../src/destination-names.ts";

const names = new DestinationNames("key");

test("a number is its keyed hash and its last two digits, with and without the plus", () => {
  const hash = createHmac("sha256", "key").update("41790099017").digest("hex").slice(0, 10);
  expect(names.of("41790099017")).toBe(`#${hash}…17`);
  expect(names.of("+41790099017")).toBe(`#${hash}…17`);
  expect(names.of("41790099018")).not.toContain(hash);
});

test("another key gives other names", () => {
  expect(new DestinationNames("other").of("41790099017")).not.toBe(names.of("41790099017"));
});

test("of what is no number nothing is shown but the hash", () => {
  for (const address of ["jo@example.com", "user-12", "1234"]) {
    expect(names.of(address)).toMatch(/^#[0-9a-f]{10}…$/);
  }
  expect([names.of(""), names.of(undefined)]).toEqual([undefined, undefined]);
});

test("many addresses keep their names", () => {
  const first = names.of("41790000000");
  for (let n = 0; n < 10_000; n++) names.of(String(41_791_000_000 + n));
  expect(names.of("41790000000")).toBe(first);
});
