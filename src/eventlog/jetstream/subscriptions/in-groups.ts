/** Calls that are under way at once. */
export const GROUP_SIZE = 16;

/** Does something for each item, several at a time; rejects as the first that fails, and begins nothing after it. */
export async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += GROUP_SIZE)
    results.push(...(await Promise.all(items.slice(at, at + GROUP_SIZE).map(work))));
  return results;
}
