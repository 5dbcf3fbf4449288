/** Variables by name, as the process was given them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Name of a variable that OpenTelemetry defines. */
export type TelemetryVariable = `OTEL_${string}`;

/** A variable that OpenTelemetry defines and that does not do here what it may be meant to. */
export interface TelemetryWarning {
  readonly setting: TelemetryVariable;
  /** What happens, and what to do. Holds no value of the variable. */
  readonly message: string;
}

/**
 * Reads OpenTelemetry's variables as its specification has it: an empty one is
 * not set, and one that makes no sense is told as a warning and counts as not
 * set. No warning shows a value that may be a secret.
 */
export class TelemetryVariables {
  readonly #environment: Environment;
  readonly warnings: TelemetryWarning[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  warn(setting: TelemetryVariable, message: string): void {
    if (this.warnings.some((known) => known.setting === setting)) return;
    this.warnings.push({ setting, message });
  }

  /** The first of these variables that is set: its name and its text without blanks around it. */
  find(...names: TelemetryVariable[]): { name: TelemetryVariable; text: string } | undefined {
    for (const name of names) {
      const text = this.#environment[name]?.trim();
      if (text !== undefined && text !== "") return { name, text };
    }
    return undefined;
  }

  text(...names: TelemetryVariable[]): string | undefined {
    return this.find(...names)?.text;
  }

  /** Only `true` is true, in any letters. */
  isTrue(name: TelemetryVariable): boolean {
    return this.text(name)?.toLowerCase() === "true";
  }

  /** A whole number between the bounds, else the default. */
  integer(
    names: readonly TelemetryVariable[],
    [least, most]: readonly [number, number],
    initial: number,
  ): number {
    const found = this.find(...names);
    if (found === undefined) return initial;
    const value = Number(found.text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    this.warn(found.name, `is not a whole number from ${least} to ${most}; ${initial} is used`);
    return initial;
  }

  /** `key=value,key=value`, the values percent-encoded. A pair that cannot be read is left out. */
  pairs(...names: TelemetryVariable[]): Record<string, string> {
    const found = this.find(...names);
    const pairs: Record<string, string> = {};
    for (const part of found?.text.split(",") ?? []) {
      const at = part.indexOf("=");
      const key = part.slice(0, Math.max(0, at)).trim();
      const value = decoded(part.slice(at + 1).trim());
      if (key !== "" && value !== undefined) pairs[key] = value;
      else if (found && part.trim() !== "") {
        this.warn(
          found.name,
          "has a part that is no key=value with a percent-encoded value; that part is left out",
        );
      }
    }
    return pairs;
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
