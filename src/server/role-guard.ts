import type { DescService } from "@bufbuild/protobuf";
import type { Role } from "../roles.ts";
import type { EncodedMessage, ServiceImplementation } from "../rpc/service-implementation.ts";
import { type Guards, guard } from "./guards.ts";
import { roleDisabled } from "./refusal.ts";
import type { AnyMethod } from "./service-binding.ts";

/** A service that belongs to a role. */
export interface RoleService<S extends DescService> {
  readonly service: S;
  readonly role: Role;
  /** Makes the methods; not called in a process without the role. */
  readonly implement: () => ServiceImplementation<S>;
}

/**
 * Guards a service in a process that has the given roles. Without the one that
 * the service belongs to each call fails with ROLE_DISABLED, whatever it asks
 * for; it is counted and logged as any other.
 */
export function guardRole<S extends DescService>(
  { service, role, implement }: RoleService<S>,
  roles: readonly Role[],
  guards: Guards,
): ServiceImplementation<S> {
  if (roles.includes(role)) return guard(service, implement(), guards);
  const names = service.methods.map((method) => `${service.typeName}/${method.name}`);
  return guard(service, refuseAll(service, role), { ...guards, skipValidation: new Set(names) });
}

function refuseAll<S extends DescService>(service: S, role: Role): ServiceImplementation<S> {
  const methods: Record<string, AnyMethod> = {};
  for (const { localName, methodKind } of service.methods) {
    methods[localName] = methodKind === "unary" ? () => refuseCall(role) : () => refuseStream(role);
  }
  return methods as unknown as ServiceImplementation<S>;
}

async function refuseCall(role: Role): Promise<never> {
  throw roleDisabled(role);
}

function refuseStream(role: Role): AsyncIterable<EncodedMessage> {
  return { [Symbol.asyncIterator]: () => ({ next: () => refuseCall(role) }) };
}
