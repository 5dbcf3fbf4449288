import type { WatchEventsResponse } from "../../gen/infobip/events/v1/events_service_pb.js";
import { OnExpired, StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { furthest } from "../history/check-watch.ts";
import type { WatchFrame, WatchStream } from "../history/watch-history.ts";
import type { CrashChild } from "./crash-child.ts";
import { connectEvents } from "./events-client.ts";
import type { HistoryClock } from "./history-clock.ts";
import { positionOf } from "./position.ts";
import { goesTo } from "./reported-item.ts";

/** Chance that a watcher hangs up after a frame, to resume. */
const HANG_UP = 0.05;

/** What watchers work with. */
export interface WatcherParts {
  readonly reader: string;
  readonly destinations: readonly string[];
  readonly clock: HistoryClock;
  readonly random: () => number;
}

/** A reader that keeps its cursor and resumes after whatever happens. */
export class Watcher {
  readonly streams: WatchStream[] = [];
  readonly #parts: WatcherParts;
  #position = 0;
  #cursor: string | undefined;

  constructor(parts: WatcherParts) {
    this.#parts = parts;
  }

  /** Watches until the service is dead, or until a position is reached. */
  async run(child: CrashChild, incarnation: number, until = Number.POSITIVE_INFINITY): Promise<void> {
    using client = connectEvents(child.grpc);
    while (!child.dead.aborted && this.#position < until) {
      const frames: WatchFrame[] = [];
      const { reader, destinations } = this.#parts;
      const from = this.#position;
      this.streams.push({ reader, incarnation, from, matches: goesTo(destinations), frames });
      const hangUp = new AbortController();
      try {
        await this.#read(
          client.events.watchEvents(this.#request(), { signal: hangUp.signal }),
          frames,
          until,
        );
      } catch (error) {
        await child.mustBeDead(error);
      } finally {
        hangUp.abort();
      }
    }
  }

  #request() {
    const cursor = this.#cursor;
    return {
      from:
        cursor === undefined
          ? { case: "start" as const, value: StartPosition.EARLIEST }
          : { case: "cursor" as const, value: cursor },
      filter: { destinations: [...this.#parts.destinations] },
      onExpired: OnExpired.RESUME,
      progressInterval: { seconds: 1n, nanos: 0 },
    };
  }

  async #read(
    responses: AsyncIterable<WatchEventsResponse>,
    frames: WatchFrame[],
    until: number,
  ): Promise<void> {
    for await (const { frame } of responses) {
      const seen = this.#record(frame);
      if (seen === undefined) continue;
      frames.push(seen);
      this.#position = furthest(this.#position, seen);
      if (this.#position >= until || this.#parts.random() < HANG_UP) return;
    }
  }

  #record(frame: WatchEventsResponse["frame"]): WatchFrame | undefined {
    const at = this.#parts.clock.read();
    switch (frame.case) {
      case "started":
        return {
          at,
          kind: "started",
          position: positionOf(frame.value.cursor),
          head: positionOf(frame.value.headCursor),
        };
      case "events":
        this.#cursor = frame.value.events.at(-1)?.cursor;
        return {
          at,
          kind: "events",
          events: frame.value.events.map(({ sequence, id }) => ({ sequence: Number(sequence), id })),
        };
      case "progress":
        this.#cursor = frame.value.cursor;
        return {
          at,
          kind: "progress",
          position: positionOf(frame.value.cursor),
          head: positionOf(frame.value.headCursor),
        };
      case "gap":
        this.#cursor = frame.value.toCursor;
        return {
          at,
          kind: "gap",
          from: positionOf(frame.value.fromCursor),
          to: positionOf(frame.value.toCursor),
        };
      default:
        return undefined;
    }
  }
}
