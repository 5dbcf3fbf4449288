import { nkeys } from "@nats-io/transport-node";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** An nkey of a user, as texts. */
export function userKey(): { readonly publicKey: string; readonly seed: string } {
  const key = nkeys.createUser();
  return { publicKey: key.getPublicKey(), seed: seedOf(key) };
}

/** An operator with one account, and what a server is configured with to trust it. */
export interface TrustedAccount {
  /** Lines of the server's configuration. */
  readonly config: string;
  /** Content of a .creds file of another user of the account. */
  credsOf(name: string): string;
}

/** Makes an operator, an account with JetStream, and what the server needs of them. */
export function trustedAccount(): TrustedAccount {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  // JetStream does not start without a system account.
  const system = nkeys.createAccount();
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    conn: -1,
    leaf: -1,
    wildcards: true,
  };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const operatorJwt = jwt(operator, operator.getPublicKey(), "operator", { type: "operator" });
  const accountJwt = (key: KeyPair, more: object) =>
    jwt(operator, key.getPublicKey(), "account", { type: "account", limits: { ...limits, ...more } });
  const preloaded = [
    `${account.getPublicKey()}: ${accountJwt(account, storage)}`,
    `${system.getPublicKey()}: ${accountJwt(system, {})}`,
  ];
  return {
    config: [
      `operator: ${operatorJwt}`,
      "resolver: MEMORY",
      `system_account: ${system.getPublicKey()}`,
      `resolver_preload: { ${preloaded.join(", ")} }`,
    ].join("\n"),
    credsOf: (name) => {
      const user = nkeys.createUser();
      const userJwt = jwt(account, user.getPublicKey(), name, {
        type: "user",
        subs: -1,
        data: -1,
        payload: -1,
      });
      return [
        "-----BEGIN NATS USER JWT-----",
        userJwt,
        "------END NATS USER JWT------",
        "",
        "-----BEGIN USER NKEY SEED-----",
        seedOf(user),
        "------END USER NKEY SEED------",
        "",
      ].join("\n");
    },
  };
}

function seedOf(key: KeyPair): string {
  return new TextDecoder().decode(key.getSeed());
}

/** A JWT as NATS signs them. */
function jwt(issuer: KeyPair, subject: string, name: string, claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const body = {
    jti: name,
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject,
    nats: { ...claims, version: 2 },
  };
  const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(body)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}
