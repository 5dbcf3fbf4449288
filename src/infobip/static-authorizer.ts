import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { Authorization, Authorizer } from "./authorizer.ts";
import { currentSecret, type SecretSource } from "./credentials.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/**
 * Authorizer of a scheme whose header needs nothing but one secret. The header
 * is built again when the source gives another Secret object.
 */
export class StaticAuthorizer implements Authorizer {
  readonly #source: SecretSource;
  readonly #build: (credential: string) => Authorization;
  #builtFrom: Secret | undefined;
  #built: Authorization | undefined;

  constructor(source: SecretSource, build: (credential: string) => Authorization) {
    this.#source = source;
    this.#build = build;
  }

  authorize(): Authorization {
    const secret = readSecret(this.#source);
    if (this.#built && secret === this.#builtFrom) return this.#built;
    const built = this.#build(secret.reveal());
    if (!PRINTABLE_ASCII.test(built.header.reveal())) throw unusable();
    this.#builtFrom = secret;
    this.#built = built;
    return built;
  }

  refused(): boolean {
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Reads a secret from its source; a source that throws is INTERNAL, with what it threw as cause. */
export function readSecret(source: SecretSource): Secret {
  try {
    return currentSecret(source);
  } catch (cause) {
    throw new ServiceError(
      Code.Internal,
      "INTERNAL",
      "the credentials for Infobip cannot be read; nothing was sent; see the service's log",
      { cause, metadata: { outcome: "NOT_SENT" } },
    );
  }
}

function unusable(): ServiceError {
  return new ServiceError(
    Code.Unauthenticated,
    "UPSTREAM_CREDENTIALS_REJECTED",
    "the service's credentials for Infobip hold characters that an HTTP header cannot carry, such as a line break; nothing was sent; ask the operator of this service to mend them",
    { metadata: { outcome: "NOT_SENT" } },
  );
}
