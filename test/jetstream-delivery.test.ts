import { describe, expect, it } from "vitest";
import { parseDelivery } from "../src/eventlog/jetstream/stream-message.ts";

const MARKER = ".P_EVENTS.c1.";
const EXPECTED = { sequence: 1_234, delivery: 17, timeMs: 1_790_000_000_123, pending: 9 };

describe("the reply subject of a delivered message", () => {
  it.each([
    "$JS.ACK.P_EVENTS.c1.1.1234.17.1790000000123456789.9",
    "$JS.ACK.P_EVENTS.c1.2.1234.17.1790000000123000000.9.token",
    "$JS.ACK.hub.ACCOUNT.P_EVENTS.c1.1.1234.17.1790000000123999999.9.token",
  ])("tells sequence, number, time and what is pending: %s", (reply) => {
    expect(parseDelivery(reply, MARKER)).toEqual(EXPECTED);
  });

  it("is of no use when it is another consumer's or cut off", () => {
    expect(parseDelivery("$JS.ACK.P_EVENTS.c2.1.1234.17.1790000000123456789.9", MARKER)).toBeUndefined();
    expect(parseDelivery("$JS.ACK.P_EVENTS.c1.1.1234.17", MARKER)).toBeUndefined();
    expect(parseDelivery("$JS.ACK.P_EVENTS.c1.1.1234", MARKER)).toBeUndefined();
  });

  it("has no number where there are no digits", () => {
    const delivery = parseDelivery("$JS.ACK.P_EVENTS.c1.1.12x4..1790000000123456789.9", MARKER);
    expect(delivery).toEqual({ ...EXPECTED, sequence: Number.NaN, delivery: Number.NaN });
  });
});
