import type { SessionHow } from "../history/subscription-history.ts";
import type { FleetSession } from "./check-progress.ts";
import { ClientPause } from "./client-pause.ts";
import { ConsumerSession, type ConsumerSessionParts } from "./consumer-session.ts";
import type { FleetMembers } from "./fleet-members.ts";

/** What consumers work with. */
export interface FleetConsumerParts extends ConsumerSessionParts {
  readonly name: string;
  readonly fleet: FleetMembers;
  /** Gateways, the one that it wants first. */
  readonly gateways: readonly string[];
}

/** A consumer that acknowledges whatever comes, and goes to any gateway that is there. */
export class FleetConsumer {
  readonly sessions: FleetSession[] = [];
  /** How each session ended: `left`, `draining`, `silence`, or the reason or code of an error. */
  readonly ends: string[] = [];
  readonly #parts: FleetConsumerParts;

  constructor(parts: FleetConsumerParts) {
    this.#parts = parts;
  }

  /** Consumes until the signal aborts. */
  async run(done: AbortSignal): Promise<void> {
    const { fleet, clock, name } = this.#parts;
    const gateways = [...this.#parts.gateways];
    const pause = new ClientPause();
    for (;;) {
      const gateway = await fleet.ready(gateways, done);
      if (gateway === undefined) return;
      const session = new ConsumerSession(this.#parts, gateway.addresses?.grpc ?? "");
      // Noted before it begins, so that sessions stand in the order of their beginning.
      const index = this.sessions.length;
      const { steps } = session;
      const told = { consumer: name, gateway: gateway.name, incarnation: 0, beganAt: clock.read(), steps };
      const record = (how: SessionHow, endedAt: number) => {
        this.sessions[index] = { ...told, how, endedAt };
      };
      record("killed", told.beganAt);
      const { how, endedAt } = await session.run(done);
      record(how, endedAt);
      this.ends.push(session.end);
      if (session.steps.length > 0) pause.reset();
      if (how !== "left") await pause.wait(done);
      // Whoever was sent away, or was let down, asks another one first.
      gateways.push(...gateways.splice(0, 1));
    }
  }
}
