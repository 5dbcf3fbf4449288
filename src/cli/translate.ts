import { type DescMessage, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { type DecodeIssue, decodeRest } from "../infobip/codec/decode.ts";
import { encodeRest } from "../infobip/codec/encode.ts";
import { CliError } from "./cli-error.ts";
import { type CommandBody, examples, type Runner } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { lossyTexts } from "./lossy-texts.ts";
import { MESSAGE_TYPES, type MessageType, RECEIVED_TYPES } from "./message-types.ts";
import type { Output } from "./output.ts";
import { parseJson, readInput } from "./read-input.ts";
import { unknownEnumValues, unknownFields } from "./unknown-fields.ts";

interface TranslateOptions {
  readonly type: MessageType;
  readonly reverse?: boolean;
  readonly ignoreUnknown?: boolean;
}

/**
 * What did not fit. UNKNOWN: a member that is left out; may be ignored.
 * UNREADABLE: a value that is left out or kept as it is; may be ignored in what
 * Infobip writes. BROKEN: never ignored.
 */
interface Issue {
  readonly field: string;
  readonly description: string;
  readonly kind: "UNKNOWN" | "UNREADABLE" | "BROKEN";
}

/** Adds `translate`. */
export function addTranslateCommand(program: Command, run: Runner): void {
  program
    .command("translate")
    .argument("[file]", "file with the body; stdin when missing or -")
    .description(
      "Turn a body of Infobip's REST API into the request JSON of the RPC, which works with curl, grpcurl and `send --file`.",
    )
    .addOption(
      new Option("--type <type>", "what the body is: send and events are requests, the others webhooks")
        .choices(Object.keys(MESSAGE_TYPES))
        .default("send"),
    )
    .option("--reverse", "turn the JSON of the RPC into the body of the REST API")
    .option("--ignore-unknown", "leave out members that the contract does not have, and list them on stderr")
    .option("--json", "print one line instead of indented JSON")
    .addHelpText(
      "after",
      examples(
        "infobip-rpc translate body.json",
        "cat body.json | infobip-rpc translate | infobip-rpc send --file -",
        "infobip-rpc translate --type delivery report.json",
        "infobip-rpc translate --reverse request.json",
      ),
    )
    .action(run(translate));
}

const translate: CommandBody<TranslateOptions> = async ({ context, output }, options, [file]) => {
  const json = parseJson(await readInput(context, file));
  const schema = MESSAGE_TYPES[options.type];
  const { text, issues } = options.reverse ? toRest(schema, json) : toRpc(schema, json);
  const broken = lossyTexts(json).map((field) =>
    issueOf(field, "BROKEN", "holds half a surrogate pair, which UTF-8 cannot express"),
  );
  const fatal = [...broken, ...issues.filter((issue) => !isTolerated(issue, options))];
  if (fatal.length > 0) throw untranslatable(fatal, options);
  for (const { kind, field, description } of issues) {
    await output.note(`${kind === "UNKNOWN" ? "ignored" : "not recognised"} ${field}: ${description}`);
  }
  await print(output, text);
  return EXIT.ok;
};

function isTolerated({ kind }: Issue, { type, reverse, ignoreUnknown }: TranslateOptions): boolean {
  if (kind === "BROKEN") return false;
  if (kind === "UNKNOWN" && ignoreUnknown) return true;
  return !reverse && RECEIVED_TYPES.has(type);
}

async function print(output: Output, text: string): Promise<void> {
  await output.line(output.json ? text : JSON.stringify(JSON.parse(text), null, 2));
}

function toRpc(schema: DescMessage, json: unknown): { text: string; issues: Issue[] } {
  const { message, issues } = decodeRest(schema, json);
  return { text: JSON.stringify(toJson(schema, message)), issues: issues.map(toIssue) };
}

function toIssue({ property, kind, description }: DecodeIssue): Issue {
  if (property === "") return issueOf("(body)", "BROKEN", description);
  return issueOf(property, kind === "UNKNOWN_PROPERTY" ? "UNKNOWN" : "UNREADABLE", description);
}

function toRest(schema: DescMessage, json: unknown): { text: string; issues: Issue[] } {
  const issues = [
    ...unknownFields(schema, json).map((field) => issueOf(field, "UNKNOWN", "the RPC has no such field")),
    ...unknownEnumValues(schema, json).map((field) => issueOf(field, "BROKEN", "the enum has no such value")),
  ];
  try {
    const message = fromJson(schema, json as JsonValue, { ignoreUnknownFields: true });
    return { text: encodeRest(schema, message), issues };
  } catch (error) {
    const description = error instanceof Error ? error.message : "cannot be read";
    return { text: "", issues: [...issues, issueOf("(body)", "BROKEN", description)] };
  }
}

function issueOf(field: string, kind: Issue["kind"], description: string): Issue {
  return { field, kind, description };
}

function untranslatable(issues: readonly Issue[], options: TranslateOptions): CliError {
  const target = options.reverse ? "Infobip's REST API" : "the RPC";
  const hint = issues.every(({ kind }) => kind === "UNKNOWN") ? "; --ignore-unknown leaves them out" : "";
  return new CliError("UNTRANSLATABLE", `the body cannot be turned into a body of ${target}${hint}`, {
    violations: issues.map(({ field, description }) => ({ field, description })),
  });
}
