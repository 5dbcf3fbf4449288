/*
 * The description of an event stream says how far an import into it has come,
 * since it is changed in one step: while the import lasts no service takes the
 * stream for an event log, and afterwards the import is known as done.
 */

const IMPORTING = /^infobip-rpc event log, import of ([0-9a-f]{16}) has not ended$/;
const IMPORTED = /, imported to (\d{1,16})$/;

/** Description of a stream that an import has begun to fill. */
export function importingDescription(logId: string): string {
  return `infobip-rpc event log, import of ${logId} has not ended`;
}

/** Id of the log that is being imported into a stream; undefined when none is. */
export function importingLogId(description: string): string | undefined {
  return IMPORTING.exec(description)?.[1];
}

/** Description of an event log that was imported up to a sequence; `description` is that of one which was not. */
export function importedDescription(description: string, head: number): string {
  return `${description}, imported to ${head}`;
}

/** Sequence up to which an event log was imported; undefined when it was not. */
export function importedTo(description: string): number | undefined {
  const [, head] = IMPORTED.exec(description) ?? [];
  return head === undefined ? undefined : Number(head);
}
