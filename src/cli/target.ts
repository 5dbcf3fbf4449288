import { type Command, Option } from "commander";
import { TLS_CA_VARIABLE, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE } from "../config/environment-source.ts";

/** Address that the commands call when none is given. */
export const DEFAULT_TARGET = "127.0.0.1:50051";

/** How a command reaches the service, as given on the command line. */
export interface TargetOptions {
  readonly target: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tokenFile?: string;
  readonly insecureToken?: boolean;
}

/** Heading of these options in the help. */
const GROUP = "Connection:";

/** Adds the options that all commands have which call a service. */
export function addTargetOptions(command: Command): Command {
  const options = [
    new Option("--target <address>", "gRPC address of the service: host:port or unix:/path").default(
      DEFAULT_TARGET,
    ),
    new Option("--tls", "speak TLS; without --tls-ca the system's authorities count"),
    new Option(
      "--tls-ca <file>",
      `speak TLS with a service whose certificate these authorities signed (PEM); else ${TLS_CA_VARIABLE}`,
    ),
    new Option("--tls-cert <file>", "client certificate (PEM), for a service that asks for one"),
    new Option("--tls-key <file>", "key of the client certificate (PEM)"),
    new Option(
      "--token-file <file>",
      `file with your token; else ${TOKEN_FILE_VARIABLE} or ${TOKEN_VARIABLE}`,
    ),
    new Option(
      "--insecure-token",
      "send the token without TLS to another machine, where it can be read on the way",
    ),
  ];
  for (const option of options) command.addOption(option.helpGroup(GROUP));
  return command;
}
