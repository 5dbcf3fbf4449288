import { styleText } from "node:util";

/** Turns text into coloured text, or leaves it. */
export type Paint = (text: string) => string;

/** Colours by what they mean. */
export interface Style {
  readonly enabled: boolean;
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly info: Paint;
  readonly dim: Paint;
  readonly bold: Paint;
}

/** Colours when `enabled`, else plain text. */
export function createStyle(enabled: boolean): Style {
  const paint = (format: Parameters<typeof styleText>[0]): Paint =>
    enabled ? (text) => styleText(format, text, { validateStream: false }) : (text) => text;
  return {
    enabled,
    good: paint("green"),
    bad: paint("red"),
    warn: paint("yellow"),
    info: paint("cyan"),
    dim: paint("dim"),
    bold: paint("bold"),
  };
}

/** Whether to colour: only on a terminal, unless NO_COLOR is set or the terminal is dumb. */
export function wantsColour(
  isTerminal: boolean | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal === true && !environment.NO_COLOR && environment.TERM !== "dumb";
}
