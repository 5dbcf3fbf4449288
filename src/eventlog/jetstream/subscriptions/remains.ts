import type { Values } from "../../../nats/values.ts";
import { MAX_DEAD_LETTERS } from "../../subscription-engine.ts";
import { inGroups } from "./in-groups.ts";
import type { SubscriptionContent } from "./subscription-draft.ts";
import { indexesPrefix, indexKey, letterKey, lettersPrefix } from "./subscription-keys.ts";

/** Keys that are looked through at once: all dead letters there can be, and as many that are left over. */
const MAX_KEYS = 2 * MAX_DEAD_LETTERS;

/** Removes keys as far as that works now; tells whether all are gone. */
export async function removeQuietly(
  keys: readonly string[],
  remove: (key: string) => Promise<void>,
): Promise<boolean> {
  try {
    await inGroups(keys, remove);
    return true;
  } catch {
    return false;
  }
}

/** Removes what is stored about a subscription and is no part of it, as far as that works now; tells whether all is gone. */
export async function removeRemains(
  values: Pick<Values, "keys" | "delete">,
  id: string,
  { letters, index }: SubscriptionContent,
): Promise<boolean> {
  try {
    const used = new Set<string>();
    if (index !== "") used.add(indexKey(id, index));
    for (const sequence of letters.sequences)
      used.add(letterKey(id, sequence, letters.get(sequence)?.base ?? 0));
    const found = [
      ...(await values.keys(lettersPrefix(id), MAX_KEYS)),
      ...(await values.keys(indexesPrefix(id), MAX_KEYS)),
    ];
    const unused = found.filter((key) => !used.has(key));
    return await removeQuietly(unused, (key) => values.delete(key));
  } catch {
    return false;
  }
}
