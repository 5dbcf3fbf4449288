import { describe, expect, it } from "vitest";
import { isSuperseded, MAX_COMPARED_STATUSES, type StatusMark } from "../src/eventlog/supersession.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";

const { NONE, SEND_UNKNOWN, ACCEPTED, PENDING, DELIVERED_TO_OPERATOR, FAILED, DELIVERED, SEEN } = StatusRank;
const A = 1;
const B = 2;
const mark = (channel: number, rank: number, occurTimeMs: number): StatusMark => ({
  channel,
  rank,
  occurTimeMs,
});

describe("isSuperseded", () => {
  it.each<[string, StatusMark, StatusMark[], boolean]>([
    ["first news", mark(A, PENDING, 1), [], false],
    ["weaker on the channel", mark(A, PENDING, 9), [mark(A, DELIVERED_TO_OPERATOR, 1)], true],
    ["stronger on the channel", mark(A, DELIVERED, 1), [mark(A, FAILED, 9)], false],
    ["equal and newer", mark(A, PENDING, 9), [mark(A, PENDING, 1)], false],
    ["equal and older", mark(A, PENDING, 1), [mark(A, PENDING, 9)], true],
    ["equal, of one time", mark(A, PENDING, 1), [mark(A, PENDING, 1)], false],
    ["equal, without a time", mark(A, PENDING, 0), [mark(A, PENDING, 9)], false],
    ["no status", mark(A, NONE, 1), [mark(A, SEEN, 9)], false],
    ["known news without a status", mark(A, PENDING, 1), [mark(A, NONE, 9)], false],
    ["a send after a report, on another channel", mark(B, ACCEPTED, 9), [mark(A, PENDING, 1)], true],
    ["an unknown send after an answered one", mark(A, SEND_UNKNOWN, 9), [mark(A, ACCEPTED, 1)], true],
    ["the next step of a failover", mark(B, PENDING, 9), [mark(A, FAILED, 1)], false],
    ["the step before, late", mark(A, FAILED, 1), [mark(B, PENDING, 9)], true],
    ["the step before, late, without times: weaker", mark(A, PENDING, 0), [mark(B, FAILED, 9)], true],
    ["the step before, late, without times: stronger", mark(A, FAILED, 0), [mark(B, PENDING, 9)], false],
    ["a failure after a delivery elsewhere", mark(A, FAILED, 9), [mark(B, DELIVERED, 1)], true],
    ["a delivery after a failure elsewhere", mark(A, DELIVERED, 1), [mark(B, FAILED, 9)], false],
    ["an older delivery elsewhere", mark(A, DELIVERED, 1), [mark(B, DELIVERED, 9)], true],
    ["a delivery after it was seen elsewhere", mark(A, DELIVERED, 9), [mark(B, SEEN, 1)], true],
    ["an unknown channel compares as the same", mark(0, PENDING, 9), [mark(B, FAILED, 1)], true],
    ["any one of many is enough", mark(A, PENDING, 1), [mark(B, PENDING, 0), mark(A, FAILED, 0)], true],
  ])("%s", (_, news, earlier, expected) => {
    expect(isSuperseded(news, earlier)).toBe(expected);
  });

  it("draws its lines at ACCEPTED and DELIVERED, whatever numbers stand for them", () => {
    for (const rank of Object.values(StatusRank).filter((value) => value > NONE)) {
      const isSend = rank <= ACCEPTED;
      expect(isSuperseded(mark(B, rank, 9), [mark(A, PENDING, 1)])).toBe(isSend);
      const isBelowDelivery = rank < DELIVERED;
      expect(isSuperseded(mark(B, rank, 9), [mark(A, DELIVERED, 1)])).toBe(isBelowDelivery);
    }
  });

  it("ranks the statuses from the send to the reader, and compares a bounded number of them", () => {
    const order = [NONE, SEND_UNKNOWN, ACCEPTED, PENDING, DELIVERED_TO_OPERATOR, FAILED, DELIVERED, SEEN];
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(MAX_COMPARED_STATUSES).toBe(64);
  });
});
