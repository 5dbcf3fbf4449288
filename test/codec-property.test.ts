import { equals, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { encodeRest } from "../src/infobip/codec/encode.ts";
import { arbitraryMessage } from "./fixtures/arbitrary-message.ts";
import { REST_FIXTURES } from "./fixtures/rest-roots.ts";

const roots = [...new Set(REST_FIXTURES.map(([, schema]) => schema))].map(
  (schema) => [schema.name, schema] as const,
);

describe("any message survives protobuf to REST to protobuf", () => {
  it.each(roots)("%s", (_name, schema) => {
    fc.assert(
      fc.property(arbitraryMessage(schema), (message) => {
        const json: unknown = JSON.parse(encodeRest(schema, message));
        const { message: copy, issues } = decodeRest(schema, json);
        expect(issues).toEqual([]);
        if (!equals(schema, copy, message)) expect(copy).toEqual(message);
        expect(Buffer.from(toBinary(schema, copy)).equals(toBinary(schema, message))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("any JSON is read without a throw", () => {
  it.each(roots)("%s", (_name, schema) => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (json) => {
        const { message } = decodeRest(schema, json);
        toBinary(schema, message);
      }),
      { numRuns: 100 },
    );
  });
});
