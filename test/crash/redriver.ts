import type { Client } from "@connectrpc/connect";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { DeadLetter } from "../../gen/infobip/events/v1/subscription_pb.js";
import type { Redrive } from "../history/subscription-history.ts";
import type { CrashChild } from "./crash-child.ts";
import { connectEvents } from "./events-client.ts";
import type { HistoryClock } from "./history-clock.ts";

/** What a redriver works with. */
export interface RedriverParts {
  readonly subscription: string;
  readonly clock: HistoryClock;
  /** Resolves when there may be dead letters. */
  readonly mayBeDead: (dead: AbortSignal) => Promise<void>;
}

/** Delivers dead letters again, whenever there are some. */
export class Redriver {
  readonly redrives: Redrive[] = [];
  readonly #sequences = new Set<number>();
  readonly #parts: RedriverParts;

  constructor(parts: RedriverParts) {
    this.#parts = parts;
  }

  /** Whether an event was redriven, or may have been. */
  has(sequence: number): boolean {
    return this.#sequences.has(sequence);
  }

  async run(child: CrashChild): Promise<void> {
    using client = connectEvents(child.grpc);
    try {
      while (!child.dead.aborted) {
        await this.#parts.mayBeDead(child.dead);
        const letters = await listDeadLetters(client.events, this.#parts.subscription);
        const dead = letters.filter(({ redriven }) => !redriven);
        if (dead.length > 0) await this.#redrive(client.events, dead);
      }
    } catch (error) {
      await child.mustBeDead(error);
    }
  }

  async #redrive(events: Client<typeof EventsService>, dead: readonly DeadLetter[]): Promise<void> {
    const sequences = dead.map(({ event }) => Number(event?.sequence));
    for (const sequence of sequences) this.#sequences.add(sequence);
    const sentAt = this.#parts.clock.read();
    const index = this.redrives.push({ sentAt, answeredAt: undefined, sequences }) - 1;
    await events.redriveDeadLetters({
      parent: this.#parts.subscription,
      names: dead.map(({ name }) => name),
    });
    this.redrives[index] = { sentAt, answeredAt: this.#parts.clock.read(), sequences };
  }
}

/** All dead letters of a subscription. */
export async function listDeadLetters(
  events: Client<typeof EventsService>,
  parent: string,
): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  let pageToken = "";
  do {
    const page = await events.listDeadLetters({ parent, pageToken, pageSize: 1_000 });
    letters.push(...page.deadLetters);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return letters;
}
