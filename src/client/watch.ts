import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import {
  type EventsService,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
} from "../../gen/infobip/events/v1/events_service_pb.js";
import { OnExpired, StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { linkedAbort } from "./linked-abort.ts";
import type { ClientPorts } from "./ports.ts";
import { resume, type StreamEnd } from "./resume.ts";
import { silenceMs, untilSilent } from "./until-silent.ts";
import type { WatchFrom, WatchOptions } from "./watch-options.ts";

const PROGRESS_INTERVAL_MS = 10_000;

/** What a watch works with. */
export interface WatchParts {
  readonly events: Client<typeof EventsService>;
  readonly ports: ClientPorts;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

type FromInit = MessageInitShape<typeof WatchEventsRequestSchema>["from"];

/** The events over as many streams as it takes, each once and in order. */
export async function* watch(parts: WatchParts, options: WatchOptions): AsyncGenerator<Event, void> {
  const stop = linkedAbort(parts.closed, options.signal);
  const position = new Position(options);
  try {
    yield* resume({ ports: parts.ports, stop: stop.signal, onReconnect: options.onReconnect }, (end) =>
      oneStream({ ...parts, closed: stop.signal }, options, position, end),
    );
  } finally {
    stop.unlink();
    await position.tell();
  }
}

async function* oneStream(
  { events, ports, closed }: WatchParts,
  options: WatchOptions,
  position: Position,
  end: (told: Partial<StreamEnd>) => void,
): AsyncGenerator<Event, void> {
  const call = linkedAbort(closed);
  const progressIntervalMs = options.progressIntervalMs ?? PROGRESS_INTERVAL_MS;
  const request = requestOf(options, position.from, progressIntervalMs);
  const frames = events.watchEvents(request, { signal: call.signal });
  try {
    for await (const { frame } of untilSilent(frames, silenceMs(progressIntervalMs), ports, call.abort)) {
      if (frame.case === "events") yield* handle(frame.value.events, position);
      else await position.take(frame);
      end({ wasUseful: frame.case !== "started", isDraining: frame.case === "draining" });
      if (frame.case === "draining") return;
      await position.tell();
    }
  } finally {
    call.abort();
    call.unlink();
  }
}

function* handle(events: readonly Event[], position: Position): Generator<Event, void> {
  for (const event of events) {
    yield event;
    position.handled(event.cursor);
  }
}

/** How far the watch has come, over all its streams. */
class Position {
  readonly #options: WatchOptions;
  #cursor: string | undefined;
  #told: string | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get from(): FromInit {
    if (this.#cursor !== undefined) return { case: "cursor", value: this.#cursor };
    return fromInit(this.#options.from ?? "latest");
  }

  handled(cursor: string): void {
    if (cursor !== "") this.#cursor = cursor;
  }

  async take(frame: Exclude<WatchEventsResponse["frame"], { case: "events" }>): Promise<void> {
    if (frame.case === "started" || frame.case === "progress") this.handled(frame.value.cursor);
    if (frame.case !== "gap") return;
    const { fromCursor, toCursor } = frame.value;
    await this.#options.onGap?.({ fromCursor, toCursor });
    this.handled(toCursor);
  }

  async tell(): Promise<void> {
    if (this.#cursor === undefined || this.#cursor === this.#told) return;
    this.#told = this.#cursor;
    await this.#options.onCursor?.(this.#cursor);
  }
}

function requestOf(options: WatchOptions, from: FromInit, progressIntervalMs: number) {
  return create(WatchEventsRequestSchema, {
    from,
    filter: options.filter,
    includeRawBody: options.includeRawBody,
    onExpired: options.onGap === undefined ? OnExpired.FAIL : OnExpired.RESUME,
    progressInterval: durationFromMs(progressIntervalMs),
  });
}

function fromInit(from: WatchFrom): FromInit {
  if (from === "earliest") return { case: "start", value: StartPosition.EARLIEST };
  if (from === "latest") return { case: "start", value: StartPosition.LATEST };
  if ("time" in from) return { case: "startTime", value: timestampFromDate(from.time) };
  return { case: "cursor", value: from.cursor };
}
