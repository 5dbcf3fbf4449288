/** Writes an instant as Infobip does: `2024-02-06T14:18:29.797+0000`. */
export function formatInstant(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "+0000");
}
