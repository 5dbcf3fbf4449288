import type { EventRecord } from "../../event-log.ts";
import type { UnsettledEvent } from "./unsettled-event.ts";

/** Longest distance between two wanted records that are read at once with what lies between. */
const MAX_DISTANCE = 4;
/** Most records of one read. */
const MAX_SPAN = 256;

/** A piece of a sequence of records. */
export interface RecordPiece {
  readonly records: readonly EventRecord[];
  /** No record up to here was left out. */
  readonly examinedTo: number;
}

/**
 * Reads the records of events, which are given by rising sequence, and visits
 * each with its record, or without when there is none any more. Stops when a
 * visit returns false. `read` reads on after a position, at most `limit`.
 */
export async function readSequences(
  wanted: readonly UnsettledEvent[],
  read: (after: number, limit: number) => Promise<RecordPiece>,
  visit: (event: UnsettledEvent, record: EventRecord | undefined) => boolean,
): Promise<void> {
  let at = 0;
  for (let first = wanted[at]; first !== undefined; first = wanted[at]) {
    const end = endOfRun(wanted, at);
    const span = (wanted[end - 1]?.sequence ?? 0) - first.sequence + 1;
    const { records, examinedTo } = await read(first.sequence - 1, span);
    // A position that does not move means that nothing is stored there.
    const readTo = Math.max(examinedTo, first.sequence);
    const find = finder(records);
    for (; at < end; at++) {
      const event = wanted[at];
      if (event === undefined || event.sequence > readTo) break;
      if (!visit(event, find(event.sequence))) return;
    }
  }
}

/** Finds records by sequence; to be asked for rising ones. */
function finder(records: readonly EventRecord[]): (sequence: number) => EventRecord | undefined {
  let at = 0;
  return (sequence) => {
    while ((records[at]?.sequence ?? Number.POSITIVE_INFINITY) < sequence) at++;
    const record = records[at];
    return record?.sequence === sequence ? record : undefined;
  };
}

function endOfRun(wanted: readonly UnsettledEvent[], start: number): number {
  const first = wanted[start]?.sequence ?? 0;
  let before = first;
  let end = start + 1;
  for (let event = wanted[end]; event !== undefined; event = wanted[++end]) {
    if (event.sequence - before > MAX_DISTANCE || event.sequence - first >= MAX_SPAN) break;
    before = event.sequence;
  }
  return end;
}
