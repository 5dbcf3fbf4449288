import { describe, expect, it } from "vitest";
import { checkWatch } from "./history/check-watch.ts";
import type { LoggedEvent, Post, WatchFrame, WatchHistory, WatchStream } from "./history/watch-history.ts";

const event = (sequence: number): LoggedEvent => ({
  sequence,
  id: `e${sequence}`,
  key: `m${sequence % 2}`,
  item: `i${sequence}`,
});
const LOG = [1, 2, 3, 4].map(event);
const post = (items: string[], status: number | "none" = 200): Post => ({
  incarnation: 1,
  items,
  sentAt: 1,
  endedAt: 2,
  status: status === "none" ? undefined : status,
});

const started = (position: number, head = 4): WatchFrame => ({ at: 10, kind: "started", position, head });
const events = (...sequences: number[]): WatchFrame => ({
  at: 11,
  kind: "events",
  events: sequences.map((sequence) => ({ sequence, id: `e${sequence}` })),
});
const progress = (position: number, head = 4): WatchFrame => ({ at: 12, kind: "progress", position, head });
const stream = (from: number, frames: WatchFrame[], more: Partial<WatchStream> = {}): WatchStream => ({
  reader: "r",
  incarnation: 1,
  from,
  matches: () => true,
  frames,
  ...more,
});
const history = (streams: WatchStream[], more: Partial<WatchHistory> = {}): WatchHistory => ({
  posts: [post(["i1", "i2"]), post(["i2", "i3", "i4"])],
  streams,
  log: LOG,
  removedTo: 0,
  head: 4,
  ...more,
});
const rules = (of: WatchHistory) => [...new Set(checkWatch(of).map(({ rule }) => rule))];
const even = ({ sequence }: LoggedEvent) => sequence % 2 === 0;

describe("checkWatch finds nothing in", () => {
  it.each<[string, WatchHistory]>([
    [
      "a stream that is resumed",
      history([stream(0, [started(0), events(1, 2)]), stream(2, [started(2), events(3, 4)])]),
    ],
    [
      "a filter that lets little pass",
      history([stream(0, [started(0), events(2, 4), progress(4)], { matches: even })]),
    ],
    ["a stream that was cut off at once", history([stream(0, []), stream(0, [started(0)])])],
    [
      "a gap that was told",
      history([stream(1, [started(1), { at: 11, kind: "gap", from: 1, to: 3 }, events(4)])], {
        removedTo: 3,
        log: [event(4)],
      }),
    ],
    [
      "a report without an answer, stored or not",
      history([stream(0, [events(1, 2, 3, 4)])], {
        posts: [post(["i1", "i2"]), post(["i3", "i4", "i5"], "none")],
      }),
    ],
  ])("%s", (_name, of) => {
    expect(checkWatch(of)).toEqual([]);
  });
});

describe("checkWatch finds", () => {
  it.each<[string, string, WatchHistory]>([
    ["Ordered", "events out of order", history([stream(0, [events(2, 1, 3, 4)])])],
    ["Unique", "an event that comes twice", history([stream(0, [events(1, 2, 2, 3, 4)])])],
    ["Reliable", "an event that is left out", history([stream(0, [events(1, 2, 4)])])],
    ["Reliable", "an event that only progress passed", history([stream(0, [events(1, 2, 3), progress(4)])])],
    ["Resumable", "a stream that begins too early", history([stream(2, [started(2), events(2, 3, 4)])])],
    ["Resumable", "a stream that begins elsewhere", history([stream(2, [started(1), events(3, 4)])])],
    ["Resumable", "a reader that forgot", history([stream(0, [events(1, 2, 3)]), stream(2, [events(3, 4)])])],
    [
      "Bookmarkable",
      "progress ahead of an event",
      history([stream(0, [events(1), progress(3), events(2, 3, 4)])]),
    ],
    ["Bookmarkable", "progress that goes back", history([stream(0, [events(1, 2), progress(1)])])],
    ["Bookmarkable", "progress past the head", history([stream(0, [events(1, 2), progress(2, 1)])])],
    ["Filtered", "what does not match", history([stream(0, [events(2, 3, 4)], { matches: even })])],
    [
      "Durable",
      "an answered item that is lost",
      history([], { posts: [post(["i1", "i2", "i3", "i4", "i5"])] }),
    ],
    [
      "Durable",
      "more answered items gone than removed",
      history([], { posts: [post(["i1", "i2", "i3", "i4", "i5"])], removedTo: 1, log: [event(3), event(4)] }),
    ],
    [
      "Durable",
      "an item that is two events",
      history([], { log: [...LOG.slice(0, 3), { ...event(4), item: "i1" }] }),
    ],
    ["Durable", "an event that nobody reported", history([], { posts: [post(["i1", "i2", "i3"])] })],
    ["Durable", "an event that was seen and is gone", history([stream(0, [events(1, 2, 3, 4, 5)])])],
    [
      "Durable",
      "an event that was another",
      history([stream(0, [{ at: 11, kind: "events", events: [{ sequence: 1, id: "x" }] }])]),
    ],
    ["Durable", "a head that went back", history([stream(0, [started(0, 9)])])],
  ])("%s: %s", (rule, _name, of) => {
    expect(rules(of)).toEqual([rule]);
  });
});
