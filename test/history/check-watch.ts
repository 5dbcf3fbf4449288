import { type Violation, Violations } from "./violation.ts";
import type { LoggedEvent, WatchFrame, WatchHistory, WatchStream } from "./watch-history.ts";

/**
 * Holds a history against the guarantees of WatchEvents, and against the
 * promise of the webhook's 200. Rules:
 *
 * - Durable: what was answered with 200 is in the log, what is in the log was
 *   reported, no item is two events, and nothing that a client saw is gone or another.
 * - Ordered: sequences only rise in a stream.
 * - Unique: no event comes twice in a stream, nor to a reader that resumes.
 * - Reliable: between the start of a stream and how far it came no event is left out.
 * - Resumable: a stream begins at the position that was asked for.
 * - Bookmarkable: progress never goes back and is never ahead of an event that comes later, or of the head.
 * - Filtered: only what matches comes.
 *
 * Frames of a reader that were left out of the history make no violation: its
 * next stream tells by its start what it had handled.
 */
export function checkWatch(history: WatchHistory): Violation[] {
  const violations = new Violations();
  checkDurable(history, violations);
  const check = new StreamCheck(history, violations);
  for (const stream of history.streams) check.run(stream);
  checkReaders(history.streams, violations);
  return violations.found;
}

function checkDurable(history: WatchHistory, violations: Violations): void {
  const { posts, log, removedTo, head, mayHaveGaps = false } = history;
  const reported = new Map<string, number>();
  for (const { items, sentAt } of posts)
    for (const item of items) reported.set(item, Math.min(sentAt, reported.get(item) ?? sentAt));
  const logged = new Set<string>();
  for (const { item, sequence } of log) {
    if (logged.has(item)) violations.add("Durable", `item ${item} is in the log twice, again at ${sequence}`);
    if (!reported.has(item)) violations.add("Durable", `event ${sequence} was never reported`);
    logged.add(item);
  }
  const answered = new Set(posts.filter(({ status }) => status === 200).flatMap(({ items }) => items));
  const lost = [...answered].filter((item) => !logged.has(item));
  if (removedTo === 0)
    for (const item of lost) violations.add("Durable", `item ${item} was answered 200 and is not in the log`);
  if (lost.length > removedTo)
    violations.add("Durable", `${lost.length} items answered 200 are gone, ${removedTo} events removed`);
  // Repeats take no sequence, but for those of events that retention has removed.
  if (removedTo === 0 && head > reported.size && !mayHaveGaps)
    violations.add("Durable", `${head} events of ${reported.size} reported items`);
}

/** Follows the frames of one stream after another. */
class StreamCheck {
  readonly #history: WatchHistory;
  readonly #violations: Violations;
  readonly #bySequence: Map<number, LoggedEvent>;
  /** Ids of all events that any client saw, by sequence. */
  readonly #seen = new Map<number, string>();
  #name = "";
  #last = 0;
  #progress = 0;
  #untold = false;
  #ids = new Set<string>();
  #sequences = new Set<number>();
  #gaps: { from: number; to: number }[] = [];

  constructor(history: WatchHistory, violations: Violations) {
    this.#history = history;
    this.#violations = violations;
    this.#bySequence = new Map(history.log.map((event) => [event.sequence, event]));
  }

  run(stream: WatchStream): void {
    this.#name = `${stream.reader} in incarnation ${stream.incarnation}`;
    this.#last = stream.from;
    this.#progress = stream.from;
    this.#ids = new Set();
    this.#sequences = new Set();
    this.#gaps = [];
    this.#untold = false;
    for (const frame of stream.frames) this.#frame(frame, stream);
    this.#checkReliable(stream);
  }

  #frame(frame: WatchFrame, stream: WatchStream): void {
    if (this.#untold && frame.kind !== "gap")
      this.#add("Reliable", `a gap after ${stream.from} was not told`);
    this.#untold = false;
    switch (frame.kind) {
      case "started":
        this.#checkStart(frame.position, stream.from);
        this.#checkHead(frame.head);
        break;
      case "events":
        for (const event of frame.events) this.#event(event, stream);
        break;
      case "progress":
        if (frame.position < this.#progress || frame.position < this.#last)
          this.#add("Bookmarkable", `progress went back to ${frame.position}`);
        if (frame.position > frame.head)
          this.#add("Bookmarkable", `progress ${frame.position} is past the head ${frame.head}`);
        this.#checkHead(frame.head);
        this.#progress = Math.max(this.#progress, frame.position);
        break;
      default:
        this.#gaps.push(frame);
        this.#progress = Math.max(this.#progress, frame.to);
    }
  }

  /** A client may want to go on behind what retention has removed; that must be told next. */
  #checkStart(position: number, from: number): void {
    this.#untold = position > from && position <= this.#history.removedTo;
    if (position !== from && !this.#untold)
      this.#add("Resumable", `asked for ${from}, began after ${position}`);
  }

  #event({ sequence, id }: { sequence: number; id: string }, stream: WatchStream): void {
    if (sequence <= stream.from)
      this.#add("Resumable", `event ${sequence} came, after ${stream.from} was asked for`);
    else if (this.#ids.has(id)) this.#add("Unique", `event ${sequence} came twice`);
    else if (sequence <= this.#last) this.#add("Ordered", `event ${sequence} came after ${this.#last}`);
    else if (sequence <= this.#progress)
      this.#add("Bookmarkable", `event ${sequence} came after progress ${this.#progress}`);
    this.#ids.add(id);
    this.#sequences.add(sequence);
    this.#last = Math.max(this.#last, sequence);
    this.#checkSame(sequence, id, stream);
  }

  #checkSame(sequence: number, id: string, stream: WatchStream): void {
    const before = this.#seen.get(sequence) ?? id;
    this.#seen.set(sequence, id);
    const logged = this.#bySequence.get(sequence);
    if (logged === undefined) {
      if (sequence > this.#history.removedTo) this.#add("Durable", `event ${sequence} was seen and is gone`);
    } else if (logged.id !== id) this.#add("Durable", `event ${sequence} was another when it was seen`);
    else if (!stream.matches(logged)) this.#add("Filtered", `event ${sequence} does not match`);
    if (before !== id) this.#add("Durable", `event ${sequence} was two different ones`);
  }

  #checkHead(head: number): void {
    if (head > this.#history.head) this.#add("Durable", `the head was ${head} and is ${this.#history.head}`);
  }

  #checkReliable(stream: WatchStream): void {
    const to = Math.max(this.#last, this.#progress);
    for (const event of this.#history.log) {
      if (event.sequence <= stream.from || event.sequence > to) continue;
      if (!stream.matches(event) || this.#sequences.has(event.sequence)) continue;
      if (this.#gaps.some((gap) => event.sequence > gap.from && event.sequence <= gap.to)) continue;
      this.#add("Reliable", `event ${event.sequence} did not come, though the stream came to ${to}`);
    }
  }

  #add(rule: string, text: string): void {
    this.#violations.add(rule, `${this.#name}: ${text}`);
  }
}

/** A reader resumes with what it handled last; so nothing comes twice to it either. */
function checkReaders(streams: readonly WatchStream[], violations: Violations): void {
  const handled = new Map<string, number>();
  for (const { reader, from, frames } of streams) {
    const before = handled.get(reader);
    if (before !== undefined && from !== before)
      violations.add("Resumable", `${reader} resumed after ${from}, having handled ${before}`);
    handled.set(reader, frames.reduce(furthest, from));
  }
}

/** Position that a client holds after a frame. */
export function furthest(position: number, frame: WatchFrame): number {
  if (frame.kind === "events") return Math.max(position, frame.events.at(-1)?.sequence ?? 0);
  if (frame.kind === "progress") return Math.max(position, frame.position);
  return frame.kind === "gap" ? Math.max(position, frame.to) : position;
}
