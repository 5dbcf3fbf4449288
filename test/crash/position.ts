import { decodeCursor } from "../../src/eventlog/cursor.ts";

/** Position that a cursor stands for. */
export function positionOf(cursor: string): number {
  const content = decodeCursor(cursor);
  if (content === undefined) throw new Error(`${cursor} is no cursor`);
  return content.sequence;
}
