const COLLECTION = "subscriptions/";
const DEAD_LETTERS = "/deadLetters/";
const SEQUENCE = /^[1-9][0-9]{0,15}$/;

/** Id of a subscription by its resource name, which request validation has checked. */
export function subscriptionId(name: string): string {
  return name.slice(COLLECTION.length);
}

/** Resource name of a subscription. */
export function subscriptionName(id: string): string {
  return `${COLLECTION}${id}`;
}

/** Resource name of a dead letter of a subscription, by its event's sequence. */
export function deadLetterName(parent: string, sequence: number): string {
  return `${parent}${DEAD_LETTERS}${sequence}`;
}

/** Sequence of a dead letter of this parent; undefined when the name is not one. */
export function deadLetterSequence(parent: string, name: string): number | undefined {
  const prefix = `${parent}${DEAD_LETTERS}`;
  const text = name.slice(prefix.length);
  if (!name.startsWith(prefix) || !SEQUENCE.test(text)) return undefined;
  const sequence = Number(text);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
