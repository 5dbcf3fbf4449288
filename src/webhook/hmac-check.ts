import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { WebhookRefusal } from "./webhook-answer.ts";
import type { HmacScheme } from "./webhook-checks.ts";

/** Knows a sender by its signature of the body. */
export class HmacCheck {
  readonly #scheme: HmacScheme;
  readonly #key: KeyObject;
  /** Name of the header, as Node spells it. */
  readonly #header: string;
  /** Bytes of a signature. */
  readonly #length: number;

  constructor(scheme: HmacScheme) {
    this.#scheme = scheme;
    this.#key = createSecretKey(scheme.secret.reveal(), "utf8");
    this.#header = scheme.header.toLowerCase();
    this.#length = this.#sign(Buffer.alloc(0)).length;
  }

  /**
   * The signature that the request claims. It may stand behind the algorithm's
   * name, as in `sha256=…`. Throws a WebhookRefusal, 401, when there is none.
   */
  claimed(headers: IncomingHttpHeaders): Uint8Array {
    const header = headers[this.#header];
    const signature = typeof header === "string" ? this.#decode(header.trim()) : undefined;
    if (signature?.length !== this.#length) throw wrongSignature();
    return signature;
  }

  /** Throws a WebhookRefusal, 401, unless the signature is that of the bytes. */
  check(claimed: Uint8Array, body: Uint8Array): void {
    if (!timingSafeEqual(claimed, this.#sign(body))) throw wrongSignature();
  }

  #sign(body: Uint8Array): Buffer {
    return createHmac(this.#scheme.algorithm, this.#key).update(body).digest();
  }

  #decode(text: string): Uint8Array | undefined {
    const { algorithm, encoding } = this.#scheme;
    const prefix = `${algorithm}=`;
    const value = text.toLowerCase().startsWith(prefix) ? text.slice(prefix.length) : text;
    const alphabet = encoding === "hex" ? /^(?:[0-9a-f]{2})+$/i : /^[A-Za-z0-9+/]+={0,2}$/;
    return alphabet.test(value) ? Buffer.from(value, encoding) : undefined;
  }
}

function wrongSignature(): WebhookRefusal {
  return new WebhookRefusal(
    401,
    "SIGNATURE_WRONG",
    "a signature of the body is needed, by the agreed secret",
  );
}
