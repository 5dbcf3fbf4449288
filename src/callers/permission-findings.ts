import type { Violation } from "../errors.ts";
import { type ForbiddenReason, forbidden } from "./caller-errors.ts";

/** What a request asks for that its caller may not have. */
export class PermissionFindings {
  readonly #found = new Map<ForbiddenReason, Violation[]>();

  add(reason: ForbiddenReason, field: string, description: string): void {
    const violations = this.#found.get(reason) ?? [];
    violations.push({ field, description, reason });
    this.#found.set(reason, violations);
  }

  /** Throws PERMISSION_DENIED with all that was found for the first reason. */
  refuse(): void {
    for (const [reason, violations] of this.#found) throw forbidden(reason, violations);
  }
}
