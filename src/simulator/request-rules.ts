import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { decodeRest } from "../infobip/codec/decode.ts";
import { toPropertyPath } from "../infobip/codec/paths.ts";
import type { PropertyViolation } from "./api-errors.ts";
import { MAX_VIOLATIONS } from "./limits.ts";
import { violationText } from "./violation-text.ts";

/** A request body, read and judged. */
export interface JudgedRequest<T> {
  readonly message: T;
  /** What forbids sending. */
  readonly violations: readonly PropertyViolation[];
  /** What is merely ignored: unknown properties. */
  readonly skippableViolations: readonly PropertyViolation[];
}

const INVALID = "invalid value";
const UNKNOWN = "Unknown property";
/** Rules that a value breaks also when what it should hold was left unset as unreadable. */
const PRESENCE_RULES: ReadonlySet<string> = new Set(["required", "repeated.min_items"]);

interface BrokenRule extends PropertyViolation {
  readonly ruleId: string;
}

/** Parses a JSON text; undefined when it is none. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Judges request bodies by the contract: types first, then every rule of the schema. */
export class RequestRules {
  readonly #validator = createValidator();

  judge<D extends DescMessage>(schema: D, json: unknown): JudgedRequest<MessageShape<D>> {
    const { message, issues } = decodeRest(schema, json);
    const invalid = new Set<string>();
    const unknown = new Set<string>();
    for (const { kind, property } of issues) (kind === "UNKNOWN_PROPERTY" ? unknown : invalid).add(property);
    const broken = this.#brokenRules(schema, message);
    // A body that is no object is missing every property: those have names, it has none.
    if (broken.length > 0) invalid.delete("");
    const violations = toViolations(invalid, INVALID);
    for (const { property, violation, ruleId } of broken) {
      // A value that could not be read was left unset, which breaks rules in turn.
      if (!isConsequence(property, ruleId, invalid)) violations.push({ property, violation });
    }
    return {
      message,
      violations: violations.slice(0, MAX_VIOLATIONS),
      skippableViolations: toViolations(unknown, UNKNOWN).slice(0, MAX_VIOLATIONS),
    };
  }

  #brokenRules<D extends DescMessage>(schema: D, message: MessageShape<D>): BrokenRule[] {
    const result = this.#validator.validate(schema, message as MessageShape<D> & Message);
    if (result.kind === "error") throw result.error;
    if (result.kind === "valid") return [];
    return result.violations.map((broken) => ({
      property: toPropertyPath(schema, pathToString(broken.field)),
      violation: violationText(broken.ruleId, broken.message),
      ruleId: broken.ruleId,
    }));
  }
}

function isConsequence(property: string, ruleId: string, invalid: ReadonlySet<string>): boolean {
  if (invalid.has(property)) return true;
  if (!PRESENCE_RULES.has(ruleId)) return false;
  return [...invalid].some((path) => path.startsWith(`${property}.`) || path.startsWith(`${property}[`));
}

function toViolations(properties: ReadonlySet<string>, violation: string): PropertyViolation[] {
  return [...properties].map((property) => ({ property, violation }));
}
