import { SecretDigest } from "./secret-digest.ts";
import { WebhookRefusal } from "./webhook-answer.ts";
import type { BasicCredentials } from "./webhook-checks.ts";

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i;
const CHALLENGE = { "www-authenticate": 'Basic realm="infobip-rpc", charset="UTF-8"' };

/** Knows a sender by the Authorization header. */
export class BasicCheck {
  readonly #credentials: SecretDigest;

  constructor({ username, password }: BasicCredentials) {
    this.#credentials = new SecretDigest(`${username}:${password.reveal()}`);
  }

  /** Throws a WebhookRefusal, 401, unless the header holds the right name and password. */
  check(authorization: string | undefined): void {
    const [, given] = BASIC.exec(authorization ?? "") ?? [];
    const isRight = this.#credentials.matches(Buffer.from(given ?? "", "base64"));
    if (isRight && given !== undefined) return;
    throw new WebhookRefusal(401, "CREDENTIALS_WRONG", "a user name and password are needed", {
      headers: CHALLENGE,
    });
  }
}
