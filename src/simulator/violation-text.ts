const INVALID = "invalid value";
/** Variants of a union have no name in the JSON; what tells them apart has. */
const VARIANTS: Readonly<Record<string, string>> = { channels_destination: "destination with byChannel" };
const SNAKE_CASE = /\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b/g;

/**
 * Says a broken rule of the schema in words of the JSON: enums have no numbers
 * there, and properties other names. `ruleId` is protovalidate's.
 */
export function violationText(ruleId: string, message: string): string {
  if (ruleId.startsWith("enum.")) return INVALID;
  return message.replace(SNAKE_CASE, (name) => VARIANTS[name] ?? toJsonName(name));
}

function toJsonName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
