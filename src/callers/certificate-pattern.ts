import type { PeerIdentity } from "../rpc/caller.ts";

const DNS = "dns:";
const ANY_BELOW = "/*";
const URI = /^[a-z][a-z0-9+.-]*:\/\/[^\s/*]+(?:\/[^\s*]*)?$/;
const SPIFFE_PREFIX = /^spiffe:\/\/[a-z0-9._-]+(?:\/[^\s/*]+)*\/\*$/;
const DNS_NAME = /^dns:[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9])?$/i;

/** What a client certificate must say, as it stands in the callers file. */
export interface CertificatePattern {
  readonly kind: "uri" | "below" | "dns";
  /** A URI; for `below` the beginning of one, up to its last slash; a DNS name in lower case. */
  readonly value: string;
}

/**
 * Reads `spiffe://domain/path` or any other URI, which must be equal to one of
 * the certificate's; `spiffe://domain/path/*`, which stands for all below; or
 * `dns:name`. Undefined for anything else.
 */
export function parseCertificatePattern(text: string): CertificatePattern | undefined {
  if (DNS_NAME.test(text)) return { kind: "dns", value: text.slice(DNS.length).toLowerCase() };
  if (SPIFFE_PREFIX.test(text)) return { kind: "below", value: text.slice(0, 1 - ANY_BELOW.length) };
  return URI.test(text) ? { kind: "uri", value: text } : undefined;
}

/** Finds what belongs to a certificate among things that were added by its pattern. */
export class CertificateIndex<T> {
  readonly #uris = new Map<string, T>();
  readonly #below = new Map<string, T>();
  readonly #dnsNames = new Map<string, T>();

  /** False, and nothing is added, when the same pattern is there already. */
  add({ kind, value }: CertificatePattern, item: T): boolean {
    const items = { uri: this.#uris, below: this.#below, dns: this.#dnsNames }[kind];
    if (items.has(value)) return false;
    items.set(value, item);
    return true;
  }

  /** By a URI first, then by the longest path that a URI lies below, then by a DNS name. */
  find({ uris, dnsNames }: PeerIdentity): T | undefined {
    for (const uri of uris) {
      const item = this.#uris.get(uri);
      if (item !== undefined) return item;
    }
    return this.#findBelow(uris) ?? this.#findDnsName(dnsNames);
  }

  #findBelow(uris: readonly string[]): T | undefined {
    let found: T | undefined;
    let length = 0;
    for (const uri of uris) {
      // A path below ends with something after its slash.
      for (let at = uri.lastIndexOf("/", uri.length - 2); at > length; at = uri.lastIndexOf("/", at - 1)) {
        const item = this.#below.get(uri.slice(0, at + 1));
        if (item === undefined) continue;
        found = item;
        length = at;
      }
    }
    return found;
  }

  #findDnsName(names: readonly string[]): T | undefined {
    for (const name of names) {
      const item = this.#dnsNames.get(name.toLowerCase());
      if (item !== undefined) return item;
    }
    return undefined;
  }
}
