import type { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { WatchEventsResponse } from "../../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { connectEvents } from "../crash/events-client.ts";
import type { HistoryClock } from "../crash/history-clock.ts";
import { positionOf } from "../crash/position.ts";
import { furthest } from "../history/check-watch.ts";
import type { WatchFrame, WatchStream } from "../history/watch-history.ts";
import { ClientPause } from "./client-pause.ts";
import type { FleetMembers } from "./fleet-members.ts";
import { SilenceAlarm } from "./silence-alarm.ts";
import { mustBeTransient } from "./transient-failure.ts";

/** What watchers work with. */
export interface FleetWatcherParts {
  readonly reader: string;
  readonly fleet: FleetMembers;
  /** Gateways, the one that it wants first. */
  readonly gateways: readonly string[];
  readonly clock: HistoryClock;
  /** What it watches; empty for everything. */
  readonly types: readonly EventType[];
}

/** A reader that keeps its cursor, and resumes at any gateway that is there. */
export class FleetWatcher {
  readonly streams: WatchStream[] = [];
  readonly #parts: FleetWatcherParts;
  #position = 0;
  #cursor: string | undefined;
  #until = Number.POSITIVE_INFINITY;
  #call: SilenceAlarm | undefined;

  constructor(parts: FleetWatcherParts) {
    this.#parts = parts;
  }

  /** Position of the last event that it has. */
  get position(): number {
    return this.#position;
  }

  /** Lets it end at a position. */
  endAt(position: number): void {
    this.#until = position;
    if (this.#position >= position) this.#call?.end();
  }

  /** Watches until it has come to its end, or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { fleet, gateways, reader } = this.#parts;
    const pause = new ClientPause();
    while (this.#position < this.#until && !signal.aborted) {
      const gateway = await fleet.ready(gateways, signal);
      if (gateway === undefined) return;
      const frames: WatchFrame[] = [];
      const from = this.#position;
      this.streams.push({
        reader,
        incarnation: gateway.incarnation,
        from,
        matches: () => true,
        frames,
      });
      await this.#stream(gateway.addresses?.grpc ?? "", frames, signal);
      if (frames.length > 1) pause.reset();
      if (this.#position < this.#until) await pause.wait(signal);
    }
  }

  async #stream(address: string, frames: WatchFrame[], signal: AbortSignal): Promise<void> {
    using client = connectEvents(address);
    using call = new SilenceAlarm();
    this.#call = call;
    try {
      const responses = client.events.watchEvents(this.#request(), {
        signal: AbortSignal.any([call.signal, signal]),
      });
      for await (const { frame } of responses) {
        call.heard();
        const seen = this.#record(frame);
        if (seen !== undefined) frames.push(seen);
        if (this.#position >= this.#until || frame.case === "draining") return;
      }
    } catch (error) {
      if (!call.signal.aborted && !signal.aborted) mustBeTransient(error);
    } finally {
      call.end();
    }
  }

  #request() {
    const cursor = this.#cursor;
    return {
      from:
        cursor === undefined
          ? { case: "start" as const, value: StartPosition.EARLIEST }
          : { case: "cursor" as const, value: cursor },
      filter: { types: [...this.#parts.types] },
      progressInterval: { seconds: 1n, nanos: 0 },
    };
  }

  #record(frame: WatchEventsResponse["frame"]): WatchFrame | undefined {
    const seen = frameOf(frame, this.#parts.clock.read());
    if (seen === undefined) return undefined;
    if (frame.case === "events") this.#cursor = frame.value.events.at(-1)?.cursor;
    if (frame.case === "progress") this.#cursor = frame.value.cursor;
    this.#position = furthest(this.#position, seen);
    return seen;
  }
}

/** A frame as the checkers want it; undefined for one that tells nothing of events. */
function frameOf(frame: WatchEventsResponse["frame"], at: number): WatchFrame | undefined {
  switch (frame.case) {
    case "started":
    case "progress": {
      const { cursor, headCursor } = frame.value;
      return { at, kind: frame.case, position: positionOf(cursor), head: positionOf(headCursor) };
    }
    case "events":
      return {
        at,
        kind: "events",
        events: frame.value.events.map(({ sequence, id }) => ({ sequence: Number(sequence), id })),
      };
    case "gap": {
      const { fromCursor, toCursor } = frame.value;
      return { at, kind: "gap", from: positionOf(fromCursor), to: positionOf(toCursor) };
    }
    default:
      return undefined;
  }
}
