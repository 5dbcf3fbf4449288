import type { Authorization } from "./authorizer.ts";
import { authorizationOf } from "./authorizer.ts";

/** Lifetime taken when the token endpoint names none or nonsense, in milliseconds. */
const DEFAULT_LIFETIME_MS = 5 * 60_000;
/** Longest lifetime that is believed, in milliseconds. */
const MAX_LIFETIME_MS = 24 * 3_600_000;
/** A token is renewed this long before it expires, or at four fifths of its life if that is later, in milliseconds. */
const RENEWAL_MARGIN_MS = 60_000;

/** An access token and when to stop using it; times are wall clock milliseconds. */
export interface AccessToken {
  readonly authorization: Authorization;
  /** From here on a new one is fetched beside the calls, which go on with this one. */
  readonly renewAt: number;
  /** From here on calls wait for a new one. */
  readonly expiresAt: number;
}

/**
 * Reads the answer of the token endpoint. `requestedAt` is when the request
 * left, so that the way back shortens the life and never lengthens it.
 * Undefined when there is no usable token in it.
 */
export function readAccessToken(json: unknown, requestedAt: number): AccessToken | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const token = "access_token" in json ? json.access_token : undefined;
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) return undefined;
  const lifetimeMs = lifetimeOf("expires_in" in json ? json.expires_in : undefined);
  const expiresAt = requestedAt + lifetimeMs;
  return {
    authorization: authorizationOf("Bearer", token),
    renewAt: expiresAt - Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 5),
    expiresAt,
  };
}

function lifetimeOf(expiresIn: unknown): number {
  const seconds = Number(expiresIn);
  return seconds > 0 ? Math.min(seconds * 1000, MAX_LIFETIME_MS) : DEFAULT_LIFETIME_MS;
}
