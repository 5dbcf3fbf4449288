import { type DescMessage, type DescOneof, getOption, hasOption } from "@bufbuild/protobuf";
import { Edition } from "@bufbuild/protobuf/wkt";
import {
  MessageRulesSchema,
  message as messageOption,
  OneofRulesSchema,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ACCEPT_ALL, ACCEPT_NONE, type Accepts, type AnyMessage, every } from "./acceptance.ts";
import { celPredicates } from "./cel-predicates.ts";
import { compileChoice, compileMember, type FieldCompiler } from "./compile-field.ts";
import { hasOnly } from "./known-rules.ts";

/** Messages without rules whose fields hold plain JSON. */
const FREE_FORM: ReadonlySet<string> = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
]);

/** The rules of a message type, made for saying quickly that a message keeps them. */
export interface CompiledRules {
  /** Accepts nothing when anything is `unsupported`. */
  readonly accepts: Accepts;
  /** Rules, of the type or of any type in it, that only protovalidate understands. */
  readonly unsupported: readonly string[];
}

/** Compiles the rules of a message type and of the types in it from the options in their proto files. */
export function compileRules(schema: DescMessage): CompiledRules {
  const compiler = new MessageCompiler();
  const accepts = compiler.message(schema);
  const { unsupported } = compiler;
  return { accepts: unsupported.length > 0 ? ACCEPT_NONE : accepts, unsupported };
}

/** Compiles each type once, also one that contains itself. */
class MessageCompiler implements FieldCompiler {
  readonly unsupported: string[] = [];
  readonly #compiled = new Map<DescMessage, Accepts>();

  message(desc: DescMessage): Accepts {
    if (FREE_FORM.has(desc.typeName)) return ACCEPT_ALL;
    const known = this.#compiled.get(desc);
    if (known !== undefined) return known;
    // Stands for the type within itself until the type is compiled.
    let accepts = ACCEPT_NONE;
    this.#compiled.set(desc, (value) => accepts(value));
    accepts = this.#compile(desc);
    this.#compiled.set(desc, accepts);
    return accepts;
  }

  refuse(what: string): Accepts {
    this.unsupported.push(what);
    return ACCEPT_NONE;
  }

  #compile(desc: DescMessage): Accepts {
    const rules = hasOption(desc, messageOption) ? getOption(desc, messageOption) : undefined;
    if (rules && !hasOnly(MessageRulesSchema, rules, ["cel"]))
      return this.refuse(`${desc.typeName}: a rule of the message`);
    // Presence in other editions is not told by undefined alone.
    if (desc.file.edition !== Edition.EDITION_PROTO3) return this.refuse(`${desc.typeName}: edition`);
    return every([
      ...desc.members.map((member) =>
        member.kind === "oneof" ? this.#oneof(member) : compileMember(member, this),
      ),
      celPredicates(rules?.cel ?? [], desc.typeName, this),
    ]);
  }

  #oneof(desc: DescOneof): Accepts {
    const rules = getOption(desc, oneofOption);
    if (!hasOnly(OneofRulesSchema, rules, ["required"])) return this.refuse(`${desc.toString()}: a rule`);
    const choices = desc.fields.map((field) => [field.localName, compileChoice(field, this)] as const);
    const { required } = rules;
    if (!required && choices.every(([, accepts]) => accepts === ACCEPT_ALL)) return ACCEPT_ALL;
    const byCase = new Map<string, Accepts>(choices);
    const name = desc.localName;
    return (message) => {
      const { case: chosen, value } = (message as AnyMessage)[name] as { case?: string; value?: unknown };
      if (chosen === undefined) return !required;
      return byCase.get(chosen)?.(value) === true;
    };
  }
}
