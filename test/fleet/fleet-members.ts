import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Turnstile } from "../crash/turnstile.ts";
import { ClientPause } from "./client-pause.ts";
import { FleetProcess } from "./fleet-process.ts";

/** Secret in the paths of the webhooks. */
export const WEBHOOK_SECRET = "a-secret-of-the-fleet";

/** A process of the fleet. */
export interface MemberPlan {
  readonly name: string;
  /** Such as `send,events`; all of them when there is no NATS. */
  readonly roles: string;
  /** Flags beside the usual ones, or instead of them. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** What a fleet is made of. */
export interface FleetPlan {
  /** Where its NATS server listens. Without it there is one member, with a log in its own files. */
  readonly natsUrl?: string;
  readonly prefix: string;
  /** What stands for Infobip; by default nothing can be sent. */
  readonly upstream?: string;
  readonly members: readonly MemberPlan[];
}

/** The processes of one fleet, with their folders. */
export class FleetMembers implements AsyncDisposable {
  readonly members: readonly FleetProcess[];
  readonly #folder: string;
  readonly #changes = new Turnstile();

  private constructor(folder: string, plan: FleetPlan) {
    this.#folder = folder;
    this.members = plan.members.map(
      (member) =>
        new FleetProcess({
          name: member.name,
          flags: flagsOf(plan, member, join(folder, member.name)),
          onChanged: () => this.#changes.changed(),
        }),
    );
  }

  /** Starts all of them. */
  static async start(plan: FleetPlan): Promise<FleetMembers> {
    const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-fleet-"));
    await using starting = new AsyncDisposableStack();
    const fleet = starting.use(new FleetMembers(folder, plan));
    await Promise.all(fleet.members.map((member) => member.start()));
    starting.move();
    return fleet;
  }

  /** @throws Error when there is none of the name. */
  member(name: string): FleetProcess {
    const member = this.members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`there is no ${name}`);
    return member;
  }

  /** Waits until one of the members is ready, the first of them rather than the others; undefined once the signal aborts. */
  async ready(names: readonly string[], signal: AbortSignal): Promise<FleetProcess | undefined> {
    const find = () =>
      names.map((name) => this.member(name)).find(({ addresses }) => addresses !== undefined);
    await this.#changes.until(() => find() !== undefined, signal);
    return signal.aborted ? undefined : find();
  }

  /**
   * The member that owns a unit: the one that was last to log so.
   * @throws Error when none that runs has.
   */
  ownerOf(unit: string): FleetProcess {
    const sentence = `this process does the work of ${unit}`;
    let latest = "";
    let owner: FleetProcess | undefined;
    for (const member of this.members)
      for (const { msg, time } of member.lines) {
        if (!String(msg).startsWith(sentence) || String(time) <= latest) continue;
        latest = String(time);
        owner = member;
      }
    if (owner?.addresses === undefined) throw new Error(`nobody owns ${unit}`);
    return owner;
  }

  /** Resolves once another member than this one owns a unit. */
  async takenOver(unit: string, from: FleetProcess, signal: AbortSignal): Promise<void> {
    const pause = new ClientPause();
    while (this.ownerOf(unit) === from) {
      await pause.wait(signal);
      signal.throwIfAborted();
    }
  }

  /** How often members have ended though nobody had asked them to. */
  get crashes(): number {
    return this.members.reduce((sum, { crashes }) => sum + crashes, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function flagsOf(plan: FleetPlan, member: MemberPlan, dataDir: string): Record<string, string> {
  const { natsUrl, prefix, upstream } = plan;
  const takesCalls = natsUrl === undefined || /send|events/.test(member.roles);
  const takesWebhooks = natsUrl === undefined || member.roles.includes("intake");
  return {
    // What is kept of their logs is about the fleet.
    "--log-messages": "false",
    "--upstream-base-url": upstream ?? "http://127.0.0.1:9",
    "--upstream-api-key": "simulator",
    "--grpc-listen": takesCalls ? "127.0.0.1:0" : "",
    "--http-listen": "",
    "--admin-listen": "127.0.0.1:0",
    "--webhook-listen": takesWebhooks ? "127.0.0.1:0" : "",
    "--webhook-secret": WEBHOOK_SECRET,
    "--data-dir": dataDir,
    "--drain-timeout": "3s",
    ...(natsUrl === undefined
      ? {}
      : {
          "--eventlog-url": natsUrl,
          "--nats-replicas": "1",
          "--nats-prefix": prefix,
          "--roles": member.roles,
        }),
    ...member.flags,
  };
}
