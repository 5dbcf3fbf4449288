import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { AccessToken } from "./access-token.ts";
import type { Authorization, Authorizer } from "./authorizer.ts";

/** After a failed fetch the next one waits this long; calls in between get the same error. In milliseconds. */
export const TOKEN_RETRY_DELAY_MS = 1_000;
/** A 401 makes a new token be fetched no more often than this, in milliseconds. */
export const REFUSAL_RENEWAL_INTERVAL_MS = 5_000;

/** What {@link OauthAuthorizer} needs. */
export interface OauthAuthorizerOptions {
  /** Asks the token endpoint once. Rejects with ServiceError. */
  readonly fetchToken: (signal: AbortSignal) => Promise<AccessToken>;
  readonly now: () => number;
}

/**
 * `Authorization: Bearer <access token>` by client credentials. At most one
 * fetch is under way and everyone shares it, because the token endpoint takes
 * ten requests a second for the whole account.
 */
export class OauthAuthorizer implements Authorizer {
  readonly #fetchToken: OauthAuthorizerOptions["fetchToken"];
  readonly #now: () => number;
  readonly #closing = new AbortController();
  #token: AccessToken | undefined;
  #fetching: Promise<AccessToken> | undefined;
  #failure: { readonly error: unknown; readonly until: number } | undefined;
  #refusalRenewedAt = Number.NEGATIVE_INFINITY;

  constructor({ fetchToken, now }: OauthAuthorizerOptions) {
    this.#fetchToken = fetchToken;
    this.#now = now;
  }

  authorize(): Authorization | Promise<Authorization> {
    const now = this.#now();
    const token = this.#token;
    if (!token || now >= token.expiresAt) return this.#fetch(now).then((fetched) => fetched.authorization);
    // The calls go on with the present token, so a failed renewal is nobody's error yet.
    if (now >= token.renewAt) this.#fetch(now).catch(() => {});
    return token.authorization;
  }

  refused(authorization: Authorization): boolean {
    if (this.#token?.authorization !== authorization) return true;
    const now = this.#now();
    if (now - this.#refusalRenewedAt < REFUSAL_RENEWAL_INTERVAL_MS) return false;
    this.#refusalRenewedAt = now;
    this.#token = undefined;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(
      new ServiceError(Code.Unavailable, "DRAINING", "this instance is shutting down; try another one"),
    );
    await this.#fetching?.catch(() => {});
  }

  #fetch(now: number): Promise<AccessToken> {
    if (this.#fetching) return this.#fetching;
    if (this.#failure && now < this.#failure.until) return Promise.reject(this.#failure.error);
    this.#fetching = this.#fetchOnce();
    // Waiters may all have gone by the time it fails.
    this.#fetching.catch(() => {});
    return this.#fetching;
  }

  async #fetchOnce(): Promise<AccessToken> {
    try {
      this.#token = await this.#fetchToken(this.#closing.signal);
      this.#failure = undefined;
      return this.#token;
    } catch (error) {
      this.#failure = { error, until: this.#now() + TOKEN_RETRY_DELAY_MS };
      throw error;
    } finally {
      this.#fetching = undefined;
    }
  }
}
