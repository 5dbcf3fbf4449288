import { type DescMessage, isFieldSet, type MessageShape } from "@bufbuild/protobuf";

/** Shows what is meant; is no rule. */
const EXAMPLE = "example";

/** Whether no rules are set but the named ones, by the local names of their fields; rules of extensions have no name. */
export function hasOnly<D extends DescMessage>(
  schema: D,
  rules: MessageShape<D>,
  names: readonly string[],
): boolean {
  if (rules.$unknown !== undefined && rules.$unknown.length > 0) return false;
  return schema.fields.every(
    (field) => !isFieldSet(rules, field) || names.includes(field.localName) || field.localName === EXAMPLE,
  );
}

/** The named rules that are set, the others undefined; undefined when others are set. */
export function onlyRules<D extends DescMessage, N extends keyof MessageShape<D> & string>(
  schema: D,
  rules: MessageShape<D>,
  names: readonly N[],
): Partial<Pick<MessageShape<D>, N>> | undefined {
  if (!hasOnly(schema, rules, names)) return undefined;
  const set: Partial<Pick<MessageShape<D>, N>> = {};
  for (const name of names) {
    const field = schema.field[name];
    if (field !== undefined && isFieldSet(rules, field)) set[name] = rules[name];
  }
  return set;
}
