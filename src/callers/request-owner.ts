import type { Caller } from "../rpc/caller.ts";

/** Stands between a caller's name and its request id; no request id can hold it. */
const SEPARATOR = "/";

/** The id under which a request id of a named caller is kept, so that those of two callers never meet. */
export function ownedRequestId({ name }: Caller, requestId: string): string {
  return `${name}${SEPARATOR}${requestId}`;
}

/** Name of the caller whom such an id belongs to; undefined for one that no named caller gave. */
export function ownerOf(id: string): string | undefined {
  const end = id.indexOf(SEPARATOR);
  return end === -1 ? undefined : id.slice(0, end);
}
