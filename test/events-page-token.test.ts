import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ListEventsRequestSchema } from "../gen/infobip/events/v1/history_pb.js";
import {
  argumentsDigest,
  decodePageToken,
  encodePageToken,
  MAX_POSITION_BYTES,
  PageKind,
} from "../src/events/page-token.ts";

const digest = Buffer.from("0102030405060708", "hex");
const refused = expect.objectContaining({ reason: "PAGE_TOKEN_INVALID" });

describe("a page token", () => {
  test("brings its position back, and fits a request", () => {
    const positions = fc.string({ unit: "grapheme", maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(PageKind)), positions, (kind, position) => {
        expect(decodePageToken(kind, encodePageToken(kind, position, digest), digest)).toBe(position);
      }),
    );
    expect(encodePageToken(PageKind.EVENTS, "x".repeat(MAX_POSITION_BYTES), digest).length).toBeLessThan(401);
    expect(() => encodePageToken(PageKind.EVENTS, "x".repeat(MAX_POSITION_BYTES + 1), digest)).toThrow(
      RangeError,
    );
  });

  test("is refused for another list or other arguments", () => {
    const token = encodePageToken(PageKind.EVENTS, "p", digest);
    expect(() => decodePageToken(PageKind.MESSAGE, token, digest)).toThrow(refused);
    expect(() => decodePageToken(PageKind.EVENTS, token, Buffer.alloc(8))).toThrow(refused);
  });

  test("is refused with any one character changed, cut or added", () => {
    const token = encodePageToken(PageKind.EVENTS, "position", digest);
    for (let at = 0; at < token.length; at++) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect(() => decodePageToken(PageKind.EVENTS, changed, digest)).toThrow(refused);
      expect(() => decodePageToken(PageKind.EVENTS, token.slice(0, at), digest)).toThrow(refused);
    }
    for (const more of ["=", "A", "\n"])
      expect(() => decodePageToken(PageKind.EVENTS, token + more, digest)).toThrow(refused);
  });

  test("is refused when it is any other text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => {
        expect(() => decodePageToken(PageKind.EVENTS, text, digest)).toThrow(refused);
      }),
    );
  });
});

test("the digest ignores page size and token, and nothing else", () => {
  const digestOf = (request: object) =>
    Buffer.from(argumentsDigest(ListEventsRequestSchema, create(ListEventsRequestSchema, request))).toString(
      "hex",
    );
  const plain = digestOf({});
  expect(plain).toHaveLength(16);
  expect(digestOf({ pageSize: 7, pageToken: "t" })).toBe(plain);
  const others = [
    { from: { case: "cursor", value: "c" } },
    { from: { case: "startTime", value: { seconds: 1n } } },
    { endTime: { seconds: 1n } },
    { filter: {} },
    { filter: { finalOnly: true } },
    { includeRawBody: true },
  ].map(digestOf);
  expect(new Set([plain, ...others]).size).toBe(others.length + 1);
});
