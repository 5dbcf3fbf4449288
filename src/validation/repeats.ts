/** Whether two items have the same key. */
export function hasRepeats<T>(items: readonly T[], keyOf: (item: T) => unknown): boolean {
  return items.length > 1 && new Set(items.map(keyOf)).size !== items.length;
}
