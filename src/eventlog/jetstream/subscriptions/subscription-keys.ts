/** Key of a subscription; ids are tokens of subjects. */
export function stateKey(id: string): string {
  return `state.${id}`;
}

/** What the keys of all subscriptions begin with. */
export const STATES = "state";

/** Id of the subscription with a key. */
export function idOfStateKey(key: string): string {
  return key.slice(STATES.length + 1);
}

/** What the keys of the dead letters of a subscription begin with. */
export function lettersPrefix(id: string): string {
  return `dead.${id}`;
}

/** Key of the event of a dead letter. Another burial of the same event has another `base`, so that no removal can hit it. */
export function letterKey(id: string, sequence: number, base: number): string {
  return `${lettersPrefix(id)}.${sequence}.${base}`;
}

/** What the keys of a subscription's indexes of dead letters begin with. */
export function indexesPrefix(id: string): string {
  return `index.${id}`;
}

/** Key of an index. */
export function indexKey(id: string, index: string): string {
  return `${indexesPrefix(id)}.${index}`;
}
