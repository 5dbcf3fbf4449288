import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { UnitMethod } from "./unit.ts";

/** package.Service/Method */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** The methods that other processes may call here, by name. */
export class MethodTable {
  readonly #methods = new Map<string, UnitMethod>();
  readonly #idempotent: ReadonlySet<string>;

  constructor(services: readonly DescService[], idempotent: ReadonlySet<string>) {
    this.#idempotent = idempotent;
    for (const method of services.flatMap((service): readonly DescMethod[] => service.methods)) {
      if (method.methodKind !== "unary" && method.methodKind !== "bidi_streaming") continue;
      // The kind tells the type, which a service without its type does not.
      this.#methods.set(methodName(method), method as UnitMethod);
    }
  }

  find(name: string): UnitMethod | undefined {
    return this.#methods.get(name);
  }

  /** Whether a call may run a second time when it is not known whether it has run. */
  mayRepeat(method: DescMethod): boolean {
    return (
      this.#idempotent.has(methodName(method)) ||
      method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN
    );
  }
}
