/** Most message ids in one error. */
export const MAX_LISTED_MESSAGE_IDS = 50;
/** Most bytes of message ids in one error: gRPC clients refuse trailers beyond 8 KiB, details included. */
export const MAX_LISTED_MESSAGE_ID_BYTES = 1_900;

/**
 * Metadata that names the messages whose outcome is unknown: `message_ids`,
 * comma separated, and `message_ids_left_out` when the bounds cut the list.
 * A comma or percent sign within an id is percent-encoded.
 */
export function listUnknownMessages(messageIds: readonly string[]): Record<string, string> {
  const listed: string[] = [];
  let bytes = 0;
  for (const id of messageIds) {
    const text = id.replace(/[%,]/g, encodeURIComponent);
    bytes += Buffer.byteLength(text) + 1;
    if (listed.length === MAX_LISTED_MESSAGE_IDS || bytes > MAX_LISTED_MESSAGE_ID_BYTES) break;
    listed.push(text);
  }
  const leftOut = messageIds.length - listed.length;
  return {
    ...(listed.length > 0 ? { message_ids: listed.join(",") } : {}),
    ...(leftOut > 0 ? { message_ids_left_out: String(leftOut) } : {}),
  };
}
