import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/** Host of a target such as `127.0.0.1:50051`, `[::1]:50051` or `dns:///10.0.0.1:50051`. */
const HOST = /^(?:dns:(?:\/\/[^/]*\/)?)?(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::\d+)?$/;
/** Sent where TLS asks for the name of the server: an address is none, and grpc-js always sends something. */
const NO_NAME = "address.invalid";

/** Options with which grpc-js speaks TLS with a server that is known by its IP address. */
export interface IpTargetTls {
  readonly verify: {
    readonly checkServerIdentity?: (name: string, certificate: PeerCertificate) => Error | undefined;
  };
  readonly channel: Readonly<Record<string, string>>;
}

/**
 * grpc-js sends a target's host as TLS server name, which Node refuses for an IP address (RFC 6066, section 3). Where the
 * target is an address, another name is sent, and the certificate must be for the address all the same. No options for a name.
 */
export function ipTargetTls(target: string): IpTargetTls {
  const [, v6, v4] = HOST.exec(target) ?? [];
  const address = v6 ?? v4 ?? "";
  if (isIP(address) === 0) return { verify: {}, channel: {} };
  return {
    verify: { checkServerIdentity: (_name, certificate) => checkServerIdentity(address, certificate) },
    channel: { "grpc.ssl_target_name_override": NO_NAME },
  };
}
