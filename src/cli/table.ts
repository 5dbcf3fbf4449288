import { stripVTControlCharacters } from "node:util";

/** Side to which a column is aligned. */
export type Align = "left" | "right";

const GAP = "  ";

/** Lines of a table whose columns stand under each other. Colours do not count as width. */
export function alignTable(rows: readonly (readonly string[])[], align: readonly Align[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, visibleWidth(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, align[column] ?? "left"))
      .join(GAP)
      .trimEnd(),
  );
}

/** Pads to a width on the screen. */
export function pad(text: string, width: number, align: Align = "left"): string {
  const space = " ".repeat(Math.max(0, width - visibleWidth(text)));
  return align === "right" ? space + text : text + space;
}

function visibleWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/**
 * Text of others made safe for a terminal: control characters, which could
 * move the cursor or forge lines, become visible.
 */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
