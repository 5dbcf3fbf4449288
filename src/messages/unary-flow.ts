import type { CallContext } from "../rpc/call-context.ts";

/** Flow of unary calls: those of one connection take turns with those of others. */
export function unaryFlow({ peer }: CallContext): string {
  return `unary ${peer ?? ""}`;
}
