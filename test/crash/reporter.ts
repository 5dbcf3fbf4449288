import { Agent, request } from "undici";
import { bodyOf } from "../fixtures/webhook-target.ts";
import type { Post } from "../history/watch-history.ts";
import type { CrashChild } from "./crash-child.ts";
import type { HistoryClock } from "./history-clock.ts";
import { itemName, reportOf } from "./reported-item.ts";

/** Reports of one message. */
const STEPS = 3;
const MAX_ITEMS = 4;
/** Share of webhooks that are sent again though they were answered. */
const REPEATED = 0.15;

/** What reporters work with. */
export interface ReporterParts {
  readonly secret: string;
  readonly clock: HistoryClock;
  readonly random: () => number;
  /** Called with each webhook that was answered 200. */
  readonly onTaken: (items: readonly string[]) => void;
}

/** Infobip's side: makes reports, posts them, and repeats each post until it is answered 200. */
export class Reporter {
  readonly posts: Post[] = [];
  readonly #parts: ReporterParts;
  /** Bodies that were not answered, or are sent once more. */
  readonly #again: string[][] = [];
  readonly #items: string[] = [];
  #message = 0;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** Posts until the service is dead; `pace` says when to go on. Makes no reports of its own when only the rest is to be sent. */
  async run(
    child: CrashChild,
    incarnation: number,
    pace: () => Promise<void>,
    onlyRest: boolean,
  ): Promise<void> {
    const agent = new Agent();
    try {
      while (!child.dead.aborted && !(onlyRest && this.#again.length === 0)) {
        await pace();
        const isTaken = await this.#post(child, incarnation, agent, this.#again.shift() ?? this.#newBody());
        if (!isTaken) await child.mustBeDead(new Error("a webhook was refused"));
      }
    } finally {
      await agent.destroy();
    }
  }

  async #post(child: CrashChild, incarnation: number, agent: Agent, items: string[]): Promise<boolean> {
    const sentAt = this.#parts.clock.read();
    let status: number | undefined;
    try {
      const answer = await request(`http://${child.webhook}/v1/delivery/${this.#parts.secret}`, {
        method: "POST",
        dispatcher: agent,
        headers: { "content-type": "application/json" },
        body: bodyOf(...items.map(reportOf)),
      });
      // The status counts as the answer, whether the body comes or not.
      status = answer.statusCode;
      await answer.body.dump().catch(() => {});
    } catch {
      status = undefined;
    }
    this.posts.push({ incarnation, items, sentAt, endedAt: this.#parts.clock.read(), status });
    if (status !== 200 || this.#parts.random() < REPEATED) this.#again.push(items);
    if (status === 200) this.#parts.onTaken(items);
    return status === 200;
  }

  #newBody(): string[] {
    const items: string[] = [];
    const size = 1 + Math.floor(this.#parts.random() * MAX_ITEMS);
    while (items.length < size) items.push(this.#nextItem());
    return items;
  }

  /** The reports of some messages come mixed. */
  #nextItem(): string {
    if (this.#items.length === 0) {
      for (let message = 0; message < STEPS; message++, this.#message++)
        for (let step = 0; step < STEPS; step++) this.#items.push(itemName(this.#message, step));
    }
    const [item] = this.#items.splice(Math.floor(this.#parts.random() * this.#items.length), 1);
    return item ?? "";
  }
}
