import { Agent, request } from "undici";
import type { HistoryClock } from "../crash/history-clock.ts";
import { bodyOf } from "../fixtures/webhook-target.ts";
import type { Post } from "../history/watch-history.ts";
import { ClientPause } from "./client-pause.ts";
import { type FleetMembers, WEBHOOK_SECRET } from "./fleet-members.ts";
import type { FleetProcess } from "./fleet-process.ts";
import { laneReport, reportLane } from "./report-lane.ts";

/** Webhooks under way at a time. */
const LANES = 6;
/** Longest wait for the answer to a webhook, in milliseconds. */
const ANSWER_LIMIT_MS = 10_000;
/** Share of webhooks that are sent again though they were answered. */
const REPEATED = 0.05;
/** Webhooks that are repeated out of turn, long after they were answered: every so many. */
const LATE_EVERY = 40;

/** What webhooks are sent with. */
export interface IntakeLoadParts {
  readonly fleet: FleetMembers;
  /** Names of the members that take webhooks. */
  readonly intakes: readonly string[];
  readonly messages: number;
  readonly clock: HistoryClock;
  readonly random: () => number;
  /** Told of each webhook that was taken for the first time. */
  readonly onTaken: (reports: number) => void;
  /** Resolves when the next webhook may leave. */
  readonly pace: (signal: AbortSignal) => Promise<void>;
}

/** Infobip's side: sends reports to all intakes in turn, repeats what is not answered 200, and some of what is. */
export class IntakeLoad {
  readonly posts: Post[] = [];
  readonly #parts: IntakeLoadParts;
  #next = 0;

  constructor(parts: IntakeLoadParts) {
    this.#parts = parts;
  }

  /** Resolves when everything was taken. */
  async run(signal: AbortSignal): Promise<void> {
    const agent = new Agent({ headersTimeout: ANSWER_LIMIT_MS, bodyTimeout: ANSWER_LIMIT_MS });
    try {
      await Promise.all(Array.from({ length: LANES }, (_, lane) => this.#lane(agent, lane, signal)));
    } finally {
      await agent.destroy();
    }
  }

  async #lane(agent: Agent, lane: number, signal: AbortSignal): Promise<void> {
    const { messages, random, onTaken, pace } = this.#parts;
    let number = 0;
    let old: string[] | undefined;
    for (const items of reportLane(messages, lane, LANES)) {
      await pace(signal);
      await this.#postUntilTaken(agent, items, signal);
      onTaken(items.length);
      if (random() < REPEATED) await this.#postUntilTaken(agent, items, signal);
      if (number++ % LATE_EVERY !== LATE_EVERY - 1) continue;
      if (old !== undefined) await this.#postUntilTaken(agent, old, signal);
      old = items;
    }
  }

  async #postUntilTaken(agent: Agent, items: readonly string[], signal: AbortSignal): Promise<void> {
    const body = bodyOf(...items.map(laneReport));
    const pause = new ClientPause();
    const { intakes, fleet } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      const first = this.#next++ % intakes.length;
      const intake = await fleet.ready([...intakes.slice(first), ...intakes.slice(0, first)], signal);
      if (intake !== undefined && (await this.#post(agent, intake, items, body))) return;
      await pause.wait(signal);
    }
  }

  async #post(agent: Agent, intake: FleetProcess, items: readonly string[], body: string): Promise<boolean> {
    const { clock } = this.#parts;
    const { incarnation, addresses } = intake;
    const sentAt = clock.read();
    let status: number | undefined;
    try {
      const answer = await request(`http://${addresses?.webhook}/v1/delivery/${WEBHOOK_SECRET}`, {
        method: "POST",
        dispatcher: agent,
        headers: { "content-type": "application/json" },
        body,
      });
      // The status counts as the answer, whether the body comes or not.
      status = answer.statusCode;
      await answer.body.dump().catch(() => {});
    } catch {
      status = undefined;
    }
    this.posts.push({ incarnation, items, sentAt, endedAt: clock.read(), status });
    return status === 200;
  }
}
