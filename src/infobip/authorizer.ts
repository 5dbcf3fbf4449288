import { Secret } from "../secret.ts";

/** Credentials ready for one request. */
export interface Authorization {
  /** Value of the Authorization header. */
  readonly header: Secret;
  /** Every text that must not come back in an error, should Infobip or a proxy repeat it. */
  readonly secrets: readonly Secret[];
}

/** One Authorization scheme. */
export interface Authorizer extends AsyncDisposable {
  /**
   * The credentials for the next request: at once, or a promise when they must
   * be fetched first. Throws or rejects with ServiceError.
   */
  authorize(): Authorization | Promise<Authorization>;
  /**
   * Told that Infobip answered 401 to these credentials. True when the request
   * should be repeated once with those of another authorize().
   */
  refused(authorization: Authorization): boolean;
}

/** Builds the header and remembers what in it is secret. */
export function authorizationOf(scheme: string, credential: string, ...further: string[]): Authorization {
  return {
    header: new Secret(`${scheme} ${credential}`),
    secrets: [credential, ...further].map((text) => new Secret(text)),
  };
}
