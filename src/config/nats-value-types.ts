import { Secret } from "../secret.ts";
import { parsed, type ValueType } from "./value-types.ts";

/** Copies of a stream that JetStream can keep. */
const REPLICAS = [1, 2, 3, 5];
/** Longest prefix of the streams' names. */
const MAX_PREFIX_LENGTH = 32;

/** Number of servers that keep each message. */
export function replicas(): ValueType<number> {
  return parsed((text) => {
    const count = REPLICAS.find((candidate) => String(candidate) === text);
    if (count === undefined) throw new Error("must be 1, 2, 3 or 5");
    return count;
  });
}

/** Beginning of the streams' names. */
export function streamPrefix(): ValueType<string> {
  return parsed((text) => {
    if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length > MAX_PREFIX_LENGTH)
      throw new Error(`must be 1 to ${MAX_PREFIX_LENGTH} letters A-Z a-z, digits, _ and -`);
    return text;
  });
}

/** Seed of a user's nkey; empty means not set. */
export function nkeySeed(): ValueType<Secret | undefined> {
  return parsed((text) => {
    const seed = text.trim();
    if (seed !== "" && !/^SU[A-Z2-7]{56}$/.test(seed))
      throw new Error("must be the seed of a user's nkey: 58 characters that begin with SU");
    return seed === "" ? undefined : new Secret(seed);
  });
}

/** Content of a .creds file; empty means not set. */
export function userCredentials(): ValueType<Secret | undefined> {
  return parsed((text) => {
    if (text.trim() === "") return undefined;
    if (!/BEGIN NATS USER JWT-/.test(text) || !/BEGIN USER NKEY SEED-/.test(text))
      throw new Error("must be the content of a .creds file, with the user's JWT and its seed");
    return new Secret(text);
  });
}

/** Certificates in PEM; empty means not set. */
export function certificates(): ValueType<string | undefined> {
  return parsed((text) => {
    if (text.trim() === "") return undefined;
    if (!/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.test(text))
      throw new Error("must be one or more certificates in PEM, with their BEGIN and END lines");
    return text;
  });
}

/** A private key in PEM, without a passphrase; empty means not set. */
export function privateKey(): ValueType<Secret | undefined> {
  return parsed((text) => {
    if (text.trim() === "") return undefined;
    if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type:.*ENCRYPTED/.test(text))
      throw new Error("is protected by a passphrase; give the key without one");
    if (!/-----BEGIN (EC |RSA )?PRIVATE KEY-----/.test(text))
      throw new Error("must be a private key in PEM, with its BEGIN and END lines");
    return new Secret(text);
  });
}
