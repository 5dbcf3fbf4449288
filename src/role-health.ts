import type { DescService } from "@bufbuild/protobuf";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { ROLES, type Role } from "./roles.ts";
import type { Health } from "./server/health.ts";
import type { RoleChecks } from "./server/role-check.ts";
import type { Timer } from "./timer.ts";

/** How often the health service looks at the roles, in milliseconds. */
const REFRESH_MS = 1000;

/** The gRPC service of each role that has one. */
const SERVICES: Readonly<Partial<Record<Role, DescService>>> = {
  send: MessagesService,
  events: EventsService,
};

/** Names of the services that a process with these roles has. */
export function servicesOf(roles: readonly Role[]): string[] {
  return ROLES.flatMap((role) => (roles.includes(role) ? (SERVICES[role]?.typeName ?? []) : []));
}

/** What {@link RoleHealth} works with. */
export interface RoleHealthOptions {
  readonly health: Health;
  /** The roles as they are now. One that throws counts as none being ready. */
  readonly checks: () => RoleChecks;
  readonly timer: Timer;
}

/**
 * Keeps grpc.health.v1 in step with the roles: each service serves while its
 * role is ready, the process as a whole while one of them is. Looks every
 * second until it is disposed of.
 */
export class RoleHealth implements Disposable {
  readonly #options: RoleHealthOptions;
  #callOff: () => void = () => undefined;
  #closed = false;

  constructor(options: RoleHealthOptions) {
    this.#options = options;
    this.refresh();
  }

  /** Looks at once, such as when the service has changed its state. */
  refresh(): void {
    this.#callOff();
    if (this.#closed) return;
    this.#apply();
    this.#callOff = this.#options.timer.schedule(REFRESH_MS, () => this.refresh());
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#callOff();
  }

  #apply(): void {
    const { health, checks } = this.#options;
    let roles: RoleChecks = {};
    try {
      roles = checks();
    } catch {
      health.setServing(false);
      return;
    }
    const statuses = new Map([["", Object.values(roles).some(({ ok }) => ok)]]);
    for (const role of ROLES) {
      const service = SERVICES[role];
      if (service !== undefined) statuses.set(service.typeName, roles[role]?.ok === true);
    }
    health.setStatuses(statuses);
  }
}
