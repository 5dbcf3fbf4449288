import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { TLS_CA_VARIABLE, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE } from "../config/environment-source.ts";
import { isLoopbackHost } from "../config/listen-address.ts";
import { ipTargetTls } from "../ip-target.ts";
import { Secret } from "../secret.ts";
import type { CliContext } from "./cli-context.ts";
import { CliError, usageError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { RpcClient } from "./rpc-client.ts";
import type { TargetOptions } from "./target.ts";

/** Largest file with certificates or a key, in bytes. */
const MAX_PEM_BYTES = 1024 * 1024;
/** Largest file with a token, in bytes. */
const MAX_TOKEN_BYTES = 16 * 1024;
const UNIX_TARGET = /^unix(-abstract)?:/;

/** Makes the client for the service that the command line names. Throws a CliError when a file or a variable is no good. */
export async function connect(context: CliContext, given: TargetOptions): Promise<RpcClient> {
  const options = withEnvironment(context, given);
  const usesTls = options.tls === true || options.tlsCa !== undefined || options.tlsCert !== undefined;
  const channel = usesTls ? await tlsCredentials(context, options) : credentials.createInsecure();
  if (!usesTls && options.tlsKey !== undefined) throw usageError("--tls-key needs --tls-cert");
  const token = await readToken(context, options);
  const mayShow = usesTls || options.insecureToken === true || isLocalTarget(options.target);
  if (token !== undefined && !mayShow) {
    throw usageError(
      `the token would go to ${options.target} in the clear; give --tls or --tls-ca, or --insecure-token if nobody can listen there`,
    );
  }
  return new RpcClient(options.target, context.clock.now, { channel, token });
}

/** Unix sockets never speak TLS, so the variable, which may be there for other targets, says nothing of them. */
function withEnvironment({ environment }: CliContext, options: TargetOptions): TargetOptions {
  const tlsCa = environment[TLS_CA_VARIABLE] ?? "";
  if (options.tlsCa !== undefined || tlsCa === "" || UNIX_TARGET.test(options.target)) return options;
  return { ...options, tlsCa };
}

async function tlsCredentials(context: CliContext, options: TargetOptions): Promise<ChannelCredentials> {
  const { tlsCa, tlsCert, tlsKey } = options;
  if (tlsCert !== undefined && tlsKey === undefined) throw usageError("--tls-cert needs --tls-key");
  if (tlsKey !== undefined && tlsCert === undefined) throw usageError("--tls-key needs --tls-cert");
  const read = async (flag: string, path: string | undefined): Promise<Buffer | null> =>
    path === undefined ? null : Buffer.from(await readFile(context, flag, path, MAX_PEM_BYTES));
  const ca = await read("--tls-ca", tlsCa);
  const key = await read("--tls-key", tlsKey);
  const cert = await read("--tls-cert", tlsCert);
  try {
    return credentials.createSsl(ca, key, cert, ipTargetTls(options.target).verify);
  } catch (error) {
    const text = error instanceof Error ? error.message : "unknown error";
    throw new CliError("TLS_FILES_UNUSABLE", `the TLS files cannot be used together: ${text}`, {
      exitCode: EXIT.usage,
      cause: error,
    });
  }
}

/** The token to call with; undefined when none is given. */
async function readToken(context: CliContext, options: TargetOptions): Promise<Secret | undefined> {
  const { environment } = context;
  const inFile = options.tokenFile ?? environment[TOKEN_FILE_VARIABLE];
  const origin = options.tokenFile === undefined ? TOKEN_FILE_VARIABLE : "--token-file";
  const text =
    inFile === undefined || inFile === ""
      ? environment[TOKEN_VARIABLE]
      : await readFile(context, origin, inFile, MAX_TOKEN_BYTES);
  const token = text?.trim() ?? "";
  if (token === "") {
    if (inFile) throw usageError(`${origin}: the file holds no token`);
    return undefined;
  }
  // What else a header could not hold would be told by its text, token and all.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw usageError("the token holds blanks or odd characters; it is one word");
  return new Secret(token);
}

async function readFile(
  context: CliContext,
  origin: string,
  path: string,
  maxBytes: number,
): Promise<string> {
  try {
    return await context.files.read(path, maxBytes);
  } catch (error) {
    const text = error instanceof Error ? error.message : "unknown error";
    throw usageError(`${origin}: ${path} cannot be read: ${text}`);
  }
}

/** Whether nothing leaves this machine. What is not sure to stay counts as leaving. */
function isLocalTarget(target: string): boolean {
  if (UNIX_TARGET.test(target)) return true;
  const [, v6, host] = /^(?:\[([0-9a-fA-F:]+)\]|([^:/[\]]+))(?::\d+)?$/.exec(target) ?? [];
  return isLoopbackHost(v6 ?? host ?? "");
}
