import { BoundedMap } from "./bounded-map.ts";
import type { SimulatorClock } from "./clock.ts";
import { type Credential, hasScope, type Scope } from "./credentials.ts";
import { MAX_BEARER_TOKENS } from "./limits.ts";

interface IssuedToken {
  readonly credential: Credential;
  readonly expiresAtMs: number;
}

/** Outcome of an Authorization header: fine, unknown (401), or without the scope needed (403). */
export type Verdict = "granted" | "unauthorized" | "forbidden";

/** Judges Authorization headers of all four schemes, and issues Bearer tokens. */
export class Authorization {
  readonly #credentials: readonly Credential[];
  readonly #clock: SimulatorClock;
  readonly #tokens = new BoundedMap<string, IssuedToken>(MAX_BEARER_TOKENS);

  constructor(credentials: readonly Credential[], clock: SimulatorClock) {
    this.#credentials = credentials;
    this.#clock = clock;
  }

  judge(header: string | undefined, needed: readonly Scope[]): Verdict {
    const credential = this.#find(header ?? "");
    if (!credential) return "unauthorized";
    return hasScope(credential, needed) ? "granted" : "forbidden";
  }

  /** Issues a token for a client id and secret; undefined when they belong to no Basic credential. */
  issueToken(clientId: string, secret: string, token: string, lifetimeMs: number): string | undefined {
    const credential = this.#findBasic(clientId, secret);
    if (!credential) return undefined;
    this.#tokens.set(token, { credential, expiresAtMs: this.#clock.now() + lifetimeMs });
    return token;
  }

  /** Forgets every token issued. */
  reset(): void {
    this.#tokens.clear();
  }

  #find(header: string): Credential | undefined {
    const [scheme, value] = splitHeader(header);
    switch (scheme) {
      case "app":
        return this.#credentials.find((one) => one.scheme === "App" && one.key === value);
      case "ibsso":
        return this.#credentials.find((one) => one.scheme === "IBSSO" && one.token === value);
      case "basic": {
        const text = Buffer.from(value, "base64").toString("utf8");
        const colon = text.indexOf(":");
        return colon < 0 ? undefined : this.#findBasic(text.slice(0, colon), text.slice(colon + 1));
      }
      case "bearer": {
        const token = this.#tokens.get(value);
        return token && token.expiresAtMs > this.#clock.now() ? token.credential : undefined;
      }
      default:
        return undefined;
    }
  }

  #findBasic(username: string, password: string): Credential | undefined {
    return this.#credentials.find(
      (one) => one.scheme === "Basic" && one.username === username && one.password === password,
    );
  }
}

function splitHeader(header: string): [scheme: string, value: string] {
  const space = header.indexOf(" ");
  return space < 0 ? ["", ""] : [header.slice(0, space).toLowerCase(), header.slice(space + 1).trim()];
}
