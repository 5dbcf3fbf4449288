import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { Secret } from "../secret.ts";
import { AddressList } from "./address-list.ts";
import { BasicCheck } from "./basic-check.ts";
import { clientAddress } from "./client-address.ts";
import { HmacCheck } from "./hmac-check.ts";
import { WEBHOOK_ROUTES, type WebhookRoute } from "./report-kind.ts";
import { SecretDigest } from "./secret-digest.ts";
import { addressNotAllowed, certificateMissing, notFound, wrongSecret } from "./webhook-answer.ts";
import { configuredChecks, type WebhookSecurity } from "./webhook-checks.ts";
import type { WebhookPath } from "./webhook-path.ts";

/** A request whose headers are in order. */
export interface Admission {
  readonly route: WebhookRoute;
  /** The signature that its body must have; undefined when the route asks for none. */
  readonly signature: Uint8Array | undefined;
}

/** Decides by what each route asks for whether a webhook is genuine. */
export class WebhookAuthentication {
  readonly #require: WebhookSecurity["require"];
  readonly #secret: SecretDigest | undefined;
  readonly #basic: BasicCheck | undefined;
  readonly #hmac: HmacCheck | undefined;
  readonly #allowed: AddressList;
  readonly #trustedProxies: AddressList;

  /** Throws an Error when a route asks for what is not configured. */
  constructor(secret: Secret | undefined, security: WebhookSecurity) {
    const configured = configuredChecks(secret, security);
    for (const route of WEBHOOK_ROUTES) {
      const missing = security.require[route].find((check) => !configured.includes(check));
      if (missing) throw new Error(`webhook.${route}.require names ${missing}, which is not configured`);
    }
    this.#require = security.require;
    this.#secret = secret && new SecretDigest(secret.reveal());
    this.#basic = security.basic && new BasicCheck(security.basic);
    this.#hmac = security.hmac && new HmacCheck(security.hmac);
    this.#allowed = new AddressList(security.allowIps);
    this.#trustedProxies = new AddressList(security.trustedProxies);
  }

  /**
   * Looks at all but the body. Throws a WebhookRefusal: 404 for a path that is
   * none, for a wrong secret and for an address that is not allowed, which
   * cannot be told apart; 401 for wrong credentials, without a certificate and without a signature.
   */
  admit(request: IncomingMessage, path: WebhookPath): Admission {
    // Compared for unknown routes too, so that the time tells nothing about which there are.
    const isSecretRight = this.#isSecretRight(path);
    const { route } = path;
    if (route === undefined) throw notFound();
    const required = this.#require[route];
    if (required.includes("ip")) this.#checkAddress(request);
    if (!isSecretRight) throw wrongSecret();
    if (required.includes("mtls")) checkCertificate(request);
    if (required.includes("basic")) this.#basic?.check(request.headers.authorization);
    const hmac = required.includes("hmac") ? this.#hmac : undefined;
    return { route, signature: hmac?.claimed(request.headers) };
  }

  /** Looks at the body as it came, before its content encoding is undone. Throws a WebhookRefusal, 401. */
  verify({ signature }: Admission, body: Uint8Array): void {
    if (signature !== undefined) this.#hmac?.check(signature, body);
  }

  /** Where no secret is asked for the path may end before it; one that stands there is still to be right. */
  #isSecretRight({ route, secret }: WebhookPath): boolean {
    const matches = this.#secret?.matches(secret ?? "") ?? false;
    const isNeeded = route !== undefined && this.#require[route].includes("secret");
    return secret === undefined ? !isNeeded : matches;
  }

  #checkAddress(request: IncomingMessage): void {
    if (!this.#allowed.has(clientAddress(request, this.#trustedProxies))) throw addressNotAllowed();
  }
}

/** The handshake has verified what was shown, and whether something was shown is asked here. */
function checkCertificate({ socket }: IncomingMessage): void {
  if (!(socket instanceof TLSSocket && socket.authorized)) throw certificateMissing();
}
