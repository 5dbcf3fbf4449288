import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);

/** An authority of a test's own, in a folder that goes with the test. */
export interface Authority {
  /** PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** Makes a certificate for names such as `IP:127.0.0.1` or `DNS:localhost`. */
  issue(name: string, subjects: string): Promise<Issued>;
}

/** A certificate and its key. */
export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority with openssl. */
export async function createAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), "nats-tls-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
  );
  return {
    ca: readFileSync(path("ca.pem"), "utf8"),
    caFile: path("ca.pem"),
    issue: async (name, subjects) => {
      await openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
      await writeFile(path(`${name}.ext`), `subjectAltName=${subjects}\n`);
      const signed = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        `${name}.ext`,
      ];
      await openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signed);
      return {
        certFile: path(`${name}.pem`),
        keyFile: path(`${name}.key`),
        cert: readFileSync(path(`${name}.pem`), "utf8"),
        key: readFileSync(path(`${name}.key`), "utf8"),
      };
    },
  };
}
