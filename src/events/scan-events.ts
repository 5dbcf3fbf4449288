import { callEnded, orCallEnded } from "../rpc/call-ended.ts";
import {
  type HistoryRead,
  isExpired,
  MAX_EXAMINED,
  PIECE,
  readOptions,
  takeRecords,
} from "./history-reads.ts";

/**
 * Fills a page by examining one event after the other, {@link PIECE} at a time
 * with a turn of the event loop between. Gives the position reached: everything
 * up to it is on the page or did not match.
 */
export async function scanEvents(read: HistoryRead): Promise<number> {
  const { log, end, page, signal } = read;
  let { position } = read;
  let budget = MAX_EXAMINED;
  for (let isFirst = true; position < end && budget > 0 && !page.isFull; isFirst = false) {
    if (!isFirst) await read.turns.take(signal);
    if (signal.aborted) throw callEnded(signal);
    const wanted = read.matches === undefined ? page.room : PIECE;
    const options = readOptions(read, Math.min(PIECE, budget, end - position, wanted), page.byteRoom);
    const result = await orCallEnded(log.read(position, options), signal).catch((error: unknown) => {
      // What is on the page is good; the call that goes on from it will fail.
      if (page.events.length > 0 && isExpired(error)) return undefined;
      throw error;
    });
    if (result === undefined) return position;
    const { records, examinedTo } = result;
    // The log holds nothing more: its last sequences were removed or never used.
    if (examinedTo <= position) return end;
    budget -= Math.min(options.limit, examinedTo - position);
    position = takeRecords(read, records, position, examinedTo);
  }
  return position;
}
