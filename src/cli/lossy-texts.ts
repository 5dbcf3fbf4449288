/** Most places that are listed. */
const MAX_LISTED = 20;

/**
 * Paths of the texts in a JSON value that hold half a surrogate pair, such as
 * `messages[0].content.body.text`. UTF-8 cannot express them, so they would be
 * changed on the way. A member's name counts like a text.
 */
export function lossyTexts(json: unknown): string[] {
  const found: string[] = [];
  // A list instead of recursion: JSON may be nested as deep as its author likes.
  const pending: { readonly path: string; readonly value: unknown }[] = [{ path: "", value: json }];
  for (let next = pending.pop(); next && found.length < MAX_LISTED; next = pending.pop()) {
    const { path, value } = next;
    if (typeof value === "string" && !value.isWellFormed()) found.push(path || "(body)");
    if (typeof value !== "object" || value === null) continue;
    for (const [name, member] of Object.entries(value).reverse()) {
      const memberPath = memberPathOf(path, name, Array.isArray(value));
      if (!name.isWellFormed()) found.push(memberPath);
      pending.push({ path: memberPath, value: member });
    }
  }
  return found;
}

function memberPathOf(path: string, name: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${name}]`;
  return path === "" ? name.toWellFormed() : `${path}.${name.toWellFormed()}`;
}
