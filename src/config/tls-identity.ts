import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { TlsConfig } from "./tls-config.ts";

/** Certificate, key and authorities that fit each other. */
export interface TlsIdentity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
  /** When the first certificate of the chain ends, in Unix milliseconds. */
  readonly expiresAt: number;
}

/** Why TLS files cannot be used. */
export type TlsFault =
  | "FILE_UNREADABLE"
  | "CERTIFICATE_MALFORMED"
  | "KEY_MALFORMED"
  | "KEY_FOREIGN"
  | "CERTIFICATE_EXPIRED"
  | "CERTIFICATE_NOT_YET_VALID"
  | "CLIENT_CA_MALFORMED"
  | "PAIR_REFUSED";

/** TLS files that cannot be used. The text names the file and what to do, and holds nothing of its contents. */
export class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
  readonly reason: TlsFault;
  /** Which of the files. */
  readonly part: keyof TlsConfig["settings"];
  /** When the certificate becomes valid, in Unix milliseconds; set with CERTIFICATE_NOT_YET_VALID. */
  readonly validFrom: number | undefined;

  constructor(reason: TlsFault, part: TlsFilesError["part"], message: string, validFrom?: number) {
    super(message);
    this.reason = reason;
    this.part = part;
    this.validFrom = validFrom;
  }
}

/** Names of the files, in the order in which {@link tlsIdentity} takes their contents. */
export function tlsPaths({ certFile, keyFile, clientCaFile }: TlsConfig): string[] {
  return clientCaFile === undefined ? [certFile, keyFile] : [certFile, keyFile, clientCaFile];
}

/** Checks the files' contents. Throws a {@link TlsFilesError}. `now` is in Unix milliseconds. */
export function tlsIdentity(config: TlsConfig, contents: readonly Buffer[], now: number): TlsIdentity {
  const [cert = Buffer.alloc(0), key = Buffer.alloc(0), clientCa] = contents;
  const chain = readCertificates(cert);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined) {
    throw fault(
      "CERTIFICATE_MALFORMED",
      "cert",
      config.certFile,
      "holds no certificate in PEM that can be read",
    );
  }
  if (!leaf.checkPrivateKey(readKey(config, key))) {
    const text = `is not the key of the first certificate in ${config.certFile}`;
    throw fault("KEY_FOREIGN", "key", config.keyFile, text);
  }
  if (clientCa !== undefined && !readCertificates(clientCa)?.length) {
    const file = config.clientCaFile ?? "";
    throw fault("CLIENT_CA_MALFORMED", "clientCa", file, "holds no certificates in PEM that can be read");
  }
  const expiresAt = Math.min(...chain.map((each) => each.validToDate.getTime()));
  checkDates(config, leaf, expiresAt, now);
  const identity = { cert, key, clientCa, expiresAt };
  checkUse(config, identity);
  return identity;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** All certificates of a PEM file; undefined when one cannot be read. */
function readCertificates(pem: Buffer): X509Certificate[] | undefined {
  try {
    return (pem.toString("latin1").match(BLOCK) ?? []).map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function readKey({ keyFile }: TlsConfig, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw fault("KEY_MALFORMED", "key", keyFile, "holds no key in PEM that can be read without a passphrase");
  }
}

function checkDates({ certFile }: TlsConfig, leaf: X509Certificate, expiresAt: number, now: number): void {
  const day = (time: number): string => new Date(time).toISOString();
  if (expiresAt <= now) {
    throw fault(
      "CERTIFICATE_EXPIRED",
      "cert",
      certFile,
      `has expired at ${day(expiresAt)}; renew the certificate`,
    );
  }
  const validFrom = leaf.validFromDate.getTime();
  if (validFrom <= now) return;
  const text = `is not valid before ${day(validFrom)}; check the clock, or give one that is valid now`;
  throw fault("CERTIFICATE_NOT_YET_VALID", "cert", certFile, text, validFrom);
}

/** Whatever else OpenSSL does not like, such as a key that is too short. */
function checkUse(config: TlsConfig, { cert, key, clientCa }: Omit<TlsIdentity, "expiresAt">): void {
  try {
    createSecureContext({ cert, key, ca: clientCa });
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    throw fault("PAIR_REFUSED", "cert", config.certFile, `and its key are refused by OpenSSL: ${code}`);
  }
}

function fault(
  reason: TlsFault,
  part: TlsFilesError["part"],
  file: string,
  text: string,
  validFrom?: number,
): TlsFilesError {
  return new TlsFilesError(reason, part, `${file} ${text}`, validFrom);
}
