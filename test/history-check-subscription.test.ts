import { describe, expect, it } from "vitest";
import { checkSubscription } from "./history/check-subscription.ts";
import type {
  SessionHow,
  SessionStep,
  SubscribeSession,
  SubscriptionHistory,
} from "./history/subscription-history.ts";
import type { LoggedEvent } from "./history/watch-history.ts";

/** Of 1, 2 and 3 the first and the last are of one message. */
const event = (sequence: number): LoggedEvent => ({
  sequence,
  id: `e${sequence}`,
  key: `m${sequence % 2}`,
  item: `i${sequence}`,
});
const LOG = [1, 2, 3].map(event);

const delivered = (at: number, sequence: number, attempt = 1): SessionStep => ({
  at,
  kind: "delivered",
  sequence,
  id: `e${sequence}`,
  attempt,
});
const ack = (at: number, ...sequences: number[]): SessionStep => ({
  at,
  kind: "ack",
  ids: sequences.map((n) => `e${n}`),
});
const nack = (at: number, ...sequences: number[]): SessionStep => ({
  at,
  kind: "nack",
  ids: sequences.map((n) => `e${n}`),
});
const result = (at: number, ...failed: number[]): SessionStep => ({
  at,
  kind: "result",
  failures: failed.map((n) => `e${n}`),
});
const progress = (at: number, settledTo: number): SessionStep => ({ at, kind: "progress", settledTo });
const session = (
  steps: SessionStep[],
  how: SessionHow = "left",
  more: Partial<SubscribeSession> = {},
): SubscribeSession => ({
  consumer: "a",
  incarnation: 1,
  steps,
  how,
  endedAt: (steps.at(-1)?.at ?? 0) + 0.5,
  ...more,
});
const history = (
  sessions: SubscribeSession[],
  more: Partial<SubscriptionHistory> = {},
): SubscriptionHistory => ({
  maxAttempts: 3,
  from: 0,
  matches: () => true,
  sessions,
  redrives: [],
  log: LOG,
  end: { settledTo: 0, dead: [] },
  ...more,
});
const settled = (settledTo: number, ...dead: number[]) => ({
  end: { settledTo, dead: dead.map((sequence) => ({ sequence, attempts: 3 })) },
});
const rules = (of: SubscriptionHistory) => [...new Set(checkSubscription(of).map(({ rule }) => rule))];
/** A life of event 1 that ends with its death. */
const DEATH = [1, 2, 3].flatMap((n) => [delivered(n * 10, 1, n), nack(n * 10 + 1, 1), result(n * 10 + 2)]);

describe("checkSubscription finds nothing in", () => {
  it.each<[string, SubscriptionHistory]>([
    [
      "deliveries that are acknowledged in turn",
      history(
        [
          session([
            delivered(1, 1),
            delivered(2, 2),
            ack(3, 1, 2),
            result(4),
            delivered(5, 3),
            ack(6, 3),
            result(7),
            progress(8, 3),
          ]),
        ],
        settled(3),
      ),
    ],
    [
      "a nack, a dropped connection and an orderly end",
      history([
        session([delivered(1, 1), nack(2, 1), result(3), delivered(4, 1, 2)], "dropped"),
        session([delivered(10, 1, 3)], "left"),
        session([delivered(20, 1, 3), ack(21, 1), result(22)]),
      ]),
    ],
    [
      "a kill, which counts nothing and may have lost what was not confirmed",
      history([
        session([delivered(1, 1), ack(2, 1), delivered(3, 2), nack(4, 2)], "killed"),
        session([delivered(10, 1), delivered(11, 2)], "killed", { incarnation: 2 }),
        session([delivered(20, 1), delivered(21, 2)], "left", { incarnation: 3 }),
      ]),
    ],
    ["a death", history([session(DEATH)], settled(1, 1))],
    [
      "a dead letter that is redriven, though a later event of its message was delivered",
      history(
        [
          session([
            ...DEATH,
            delivered(40, 3),
            ack(41, 3),
            result(42),
            progress(43, 1),
            delivered(60, 1),
            ack(61, 1),
            result(62),
          ]),
        ],
        {
          redrives: [{ sentAt: 50, answeredAt: 51, sequences: [1] }],
          ...settled(1),
        },
      ),
    ],
    [
      "progress past a dead letter that is redriven and held again",
      history([session([...DEATH, delivered(60, 1), progress(61, 1), ack(62, 1), result(63)])], {
        redrives: [{ sentAt: 50, answeredAt: 51, sequences: [1] }],
        ...settled(1),
      }),
    ],
    ["a gap", history([session([{ at: 1, kind: "gap", from: 0, to: 2 }, progress(2, 2)])], settled(2))],
    [
      "a connection that was dropped with what nobody had read of it",
      history([
        session([], "dropped", { endedAt: 1 }),
        session([delivered(10, 1, 2), ack(11, 1), result(12)]),
      ]),
    ],
  ])("%s", (_name, of) => {
    expect(checkSubscription(of)).toEqual([]);
  });
});

describe("checkSubscription finds", () => {
  it.each<[string, string, SubscriptionHistory]>([
    ["Reliable", "a lost event", history([session([delivered(1, 2), ack(2, 2), result(3)])], settled(2))],
    [
      "Unique",
      "a delivery after a confirmed ack",
      history([session([delivered(1, 1), ack(2, 1), result(3), delivered(4, 1)])]),
    ],
    [
      "Unique",
      "two holders",
      history([
        session([delivered(1, 1), ack(9, 1), result(10)]),
        session([delivered(5, 1), ack(6, 1), result(7)], "left", { consumer: "b" }),
      ]),
    ],
    [
      "Ordered",
      "two events of a message out at a time",
      history([
        session([delivered(1, 1), ack(9, 1), result(10)]),
        session([delivered(5, 3), ack(11, 3), result(12)]),
      ]),
    ],
    [
      "Ordered",
      "an event after a later one of its message",
      history([session([delivered(1, 3), ack(2, 3), result(3), delivered(4, 1), ack(5, 1), result(6)])]),
    ],
    [
      "Attempts",
      "a nack that was not counted",
      history([session([delivered(1, 1), nack(2, 1), result(3), delivered(4, 1, 1)])]),
    ],
    [
      "Attempts",
      "a nack that was counted twice",
      history([session([delivered(1, 1), nack(2, 1), result(3), delivered(4, 1, 3)])]),
    ],
    [
      "Attempts",
      "a confirmed nack that a kill made forgotten",
      history([
        session([delivered(1, 1), nack(2, 1), result(3)], "killed"),
        session([delivered(9, 1, 1)], "left", { incarnation: 2 }),
      ]),
    ],
    [
      "Attempts",
      "a kill that was counted",
      history([
        session([delivered(1, 1)], "killed"),
        session([delivered(9, 1, 2)], "left", { incarnation: 2 }),
      ]),
    ],
    [
      "Attempts",
      "an orderly end that was counted",
      history([session([delivered(1, 1)]), session([delivered(9, 1, 2)])]),
    ],
    [
      "Attempts",
      "a dropped connection that was not counted",
      history([session([delivered(1, 1)], "dropped"), session([delivered(9, 1, 1)])]),
    ],
    ["Attempts", "a first delivery with failures", history([session([delivered(1, 1, 2)])])],
    ["Attempts", "more deliveries than allowed", history([session([...DEATH, delivered(40, 1, 4)])])],
    [
      "Attempts",
      "an early death",
      history([session([delivered(1, 1), nack(2, 1), result(3)])], settled(1, 1)),
    ],
    [
      "Bookmarkable",
      "progress ahead of an event in flight",
      history([session([delivered(1, 1), progress(2, 1), ack(3, 1), result(4)])], settled(1)),
    ],
    [
      "Bookmarkable",
      "progress that goes back",
      history([session([delivered(1, 1), ack(2, 1), result(3), progress(4, 1), progress(5, 0)])], settled(1)),
    ],
    [
      "Bookmarkable",
      "progress that a kill took back",
      history(
        [
          session([delivered(1, 1), ack(2, 1), result(3), progress(4, 1)], "killed"),
          session([progress(9, 0)], "left", { incarnation: 2 }),
        ],
        settled(1),
      ),
    ],
    [
      "Filtered",
      "what does not match",
      history([session([delivered(1, 1)])], { matches: ({ sequence }) => sequence !== 1 }),
    ],
    ["Filtered", "what lies before the subscription", history([session([delivered(1, 1)])], { from: 1 })],
    ["Filtered", "another event", history([session([delivered(1, 1)])], { log: [{ ...event(1), id: "x" }] })],
  ])("%s: %s", (rule, _name, of) => {
    expect(rules(of)).toContain(rule);
  });
});
