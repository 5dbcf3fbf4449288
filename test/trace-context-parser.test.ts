import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_TRACESTATE_CHARS, parseTraceContext } from "../src/rpc/parse-trace-context.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const notZero = (text: string) => !/^0+$/.test(text);
const traceId = hex(32).filter(notZero);
const spanId = hex(16).filter(notZero);
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const GOOD = `00-${TRACE}-${SPAN}-01`;
const stateOf = (text: string) => parseTraceContext(GOOD, text)?.tracestate;

describe("traceparent", () => {
  it("is read when it is as the specification has it", () => {
    fc.assert(
      fc.property(traceId, spanId, hex(2), (trace, span, flags) => {
        const known = (Number.parseInt(flags, 16) & 3).toString(16).padStart(2, "0");
        expect(parseTraceContext(`00-${trace}-${span}-${flags}`, undefined)).toEqual({
          traceparent: `00-${trace}-${span}-${known}`,
        });
      }),
    );
  });

  it("is read as version 00 when it is of a later version", () => {
    const later = hex(2).filter((version) => version !== "00" && version !== "ff");
    const more = fc.oneof(
      fc.constant(""),
      fc.string({ unit: "grapheme-ascii" }).map((text) => `-${text}`),
    );
    fc.assert(
      fc.property(later, more, (version, rest) => {
        expect(parseTraceContext(`${version}${GOOD.slice(2)}${rest}`, undefined)).toEqual({
          traceparent: GOOD,
        });
      }),
    );
  });

  it("is ignored with any one character changed to one that does not belong there", () => {
    fc.assert(
      fc.property(
        fc.nat(GOOD.length - 1),
        fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
        (at, other) => {
          fc.pre(GOOD[at] === "-" ? other !== "-" : !/[0-9a-f]/.test(other));
          expect(
            parseTraceContext(`${GOOD.slice(0, at)}${other}${GOOD.slice(at + 1)}`, "a=1"),
          ).toBeUndefined();
        },
      ),
    );
  });

  it.each([
    undefined,
    "",
    GOOD.toUpperCase(),
    `ff${GOOD.slice(2)}`,
    `${GOOD}-`,
    `${GOOD}-00`,
    `${GOOD}0`,
    `01${GOOD.slice(2)}0`,
    ` ${GOOD}`,
    `${GOOD} `,
    `${GOOD}, ${GOOD}`,
    `${GOOD},${GOOD}`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    GOOD.slice(0, -1),
  ])("is ignored: %s", (text) => {
    expect(parseTraceContext(text, undefined)).toBeUndefined();
  });

  it("never throws, and gives nothing but what is well formed", () => {
    const texts = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 80 }),
      fc.string({ unit: fc.constantFrom(..."0af-, ="), maxLength: 120 }),
    );
    fc.assert(
      fc.property(texts, texts, (parent, state) => {
        const read = parseTraceContext(parent, state);
        if (read !== undefined) expect(read.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
        const kept = stateOf(state);
        if (kept !== undefined) expect(stateOf(kept)).toBe(kept);
      }),
    );
  });
});

describe("tracestate", () => {
  it.each([
    ["shop=order-7", "shop=order-7"],
    [" shop=1 ,\tother=2,", "shop=1,other=2"],
    ["fw529a3039@dt=FfAB;x,rojo=00f067aa0ba902b7", "fw529a3039@dt=FfAB;x,rojo=00f067aa0ba902b7"],
    ["a=1,a=2", undefined],
    ["A=1", undefined],
    ["a=", undefined],
    ["=1", undefined],
    ["a=1=2", undefined],
    ["a=é", undefined],
    ["", undefined],
    [`${"k".repeat(257)}=1`, undefined],
    [`k=${"v".repeat(257)}`, undefined],
    [Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(","), undefined],
  ])("%s", (text, kept) => {
    expect(stateOf(text)).toBe(kept);
    expect(parseTraceContext(GOOD, text)?.traceparent).toBe(GOOD);
  });

  it("loses its large entries first, then its last ones, when it is too long", () => {
    const large = `large=${"v".repeat(200)}`;
    const small = Array.from({ length: 10 }, (_, n) => `k${n}=${"v".repeat(40)}`);
    expect(stateOf([large, ...small].join(","))).toBe(small.join(","));
    const many = Array.from({ length: 20 }, (_, n) => `k${n}=${"v".repeat(40)}`);
    const kept = stateOf(many.join(","));
    expect(kept?.length).toBeLessThanOrEqual(MAX_TRACESTATE_CHARS);
    expect(many.join(",").startsWith(`${kept},`)).toBe(true);
  });
});
