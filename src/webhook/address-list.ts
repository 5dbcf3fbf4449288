import { BlockList, isIP } from "node:net";

/** Stands for a peer on the other side of a Unix socket, which has no address. */
export const UNIX_PEER = "unix";

const FAMILY_BITS = { ipv4: 32, ipv6: 128 } as const;

/** A range of addresses. */
interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: keyof typeof FAMILY_BITS;
}

/** Reads `192.0.2.0/24`, `2001:db8::/32` or one address. Throws an Error that says what is wrong. */
export function parseNetwork(text: string): Network {
  const [address = "", bits, ...rest] = text.split("/");
  const family = familyOf(address);
  if (family === undefined || rest.length > 0) {
    throw new Error("must be addresses or networks such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
  }
  const most = FAMILY_BITS[family];
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (!(prefix <= most)) throw new Error(`the number after the slash must be between 0 and ${most}`);
  return { address, prefix, family };
}

function familyOf(address: string): Network["family"] | undefined {
  const version = isIP(address);
  return version === 4 ? "ipv4" : version === 6 ? "ipv6" : undefined;
}

/**
 * A set of addresses, given as networks. An IPv4 address in an IPv6 one
 * (`::ffff:192.0.2.7`) counts as itself. Each look-up compares with all
 * networks; a list in the settings holds 1,000 entries at most.
 */
export class AddressList {
  readonly #networks = new BlockList();
  readonly #holdsUnixPeer: boolean;

  /** Takes networks and {@link UNIX_PEER}. Throws as {@link parseNetwork} does. */
  constructor(networks: readonly string[]) {
    this.#holdsUnixPeer = networks.includes(UNIX_PEER);
    for (const text of networks) {
      if (text === UNIX_PEER) continue;
      const { address, prefix, family } = parseNetwork(text);
      this.#networks.addSubnet(address, prefix, family);
    }
  }

  /** Whether the address is in one of the networks; false for what is no address. */
  has(address: string): boolean {
    if (address === UNIX_PEER) return this.#holdsUnixPeer;
    const family = familyOf(address);
    return family !== undefined && this.#networks.check(address, family);
  }
}
