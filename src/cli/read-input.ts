import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

/** Largest body read from a file or stdin, in bytes. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/** Reads the text of a file, or of stdin when the name is missing or `-`. */
export async function readInput(context: CliContext, name: string | undefined): Promise<string> {
  if (name === undefined || name === "-") return readStdin(context);
  try {
    return await context.files.read(name, MAX_INPUT_BYTES);
  } catch (error) {
    const message = `cannot read ${name}: ${error instanceof Error ? error.message : "unknown error"}`;
    throw new CliError("INPUT_UNREADABLE", message, { exitCode: EXIT.usage, cause: error });
  }
}

/** Parses JSON; says where it is broken. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const detail = error instanceof Error ? error.message : "unknown error";
    throw new CliError("INPUT_NO_JSON", `the input is no JSON: ${detail}`, { cause: error });
  }
}

async function readStdin(context: CliContext): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of context.stdin) {
    length += chunk.byteLength;
    if (length > MAX_INPUT_BYTES) {
      throw new CliError("INPUT_TOO_LARGE", `the input is larger than ${MAX_INPUT_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
