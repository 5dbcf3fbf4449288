import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { TOKEN_BYTES, tokenHash, tokenOf } from "../callers/caller-token.ts";
import { CliError } from "./cli-error.ts";
import { type CommandBody, examples, JSON_FLAG, type Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { readInput } from "./read-input.ts";

/** Shortest token that is hashed, in characters: a shorter one can be guessed. */
const MIN_TOKEN_LENGTH = 32;

/** Adds `token new` and `token hash`. */
export function addTokenCommand(program: Command, run: Runner): void {
  const token = program
    .command("token")
    .description("Make tokens for the callers of the service (auth.callers_file).");
  token
    .command("new")
    .description("Print a new token for a caller, and its hash for the callers file. It is kept nowhere.")
    .option(...JSON_FLAG)
    .addHelpText(
      "after",
      examples("infobip-rpc token new", "infobip-rpc token new --json | jq -r .token_sha256"),
    )
    .action(run(create));
  token
    .command("hash")
    .description("Print the hash of a token that stands on stdin, without the line break at its end.")
    .option(...JSON_FLAG)
    .addHelpText("after", examples("infobip-rpc token hash < token.txt"))
    .action(run(hash));
}

const create: CommandBody<object> = async ({ output }) => {
  const token = tokenOf(randomBytes(TOKEN_BYTES));
  await print(output, [
    ["token", token],
    ["token_sha256", tokenHash(token)],
  ]);
  return EXIT.ok;
};

const hash: CommandBody<object> = async ({ context, output }) => {
  const token = (await readInput(context, undefined)).replace(/\r?\n$/, "");
  if (token.length < MIN_TOKEN_LENGTH || /[\s,]/.test(token)) {
    throw new CliError(
      "TOKEN_UNUSABLE",
      `stdin must hold one token of at least ${MIN_TOKEN_LENGTH} characters without spaces; \`infobip-rpc token new\` makes one`,
      { exitCode: EXIT.usage },
    );
  }
  await print(output, [["token_sha256", tokenHash(token)]]);
  return EXIT.ok;
};

async function print(output: Output, fields: readonly (readonly [string, string])[]): Promise<void> {
  if (output.json) return output.jsonLine(Object.fromEntries(fields));
  const [first] = fields;
  if (fields.length === 1 && first !== undefined) return output.line(first[1]);
  for (const [name, value] of fields) await output.line(`${output.style.bold(name)}: ${value}`);
}
