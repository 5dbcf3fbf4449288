/** Longest string written for one field, in characters. */
export const MAX_FIELD_LENGTH = 500;

/** What stands for an address: a keyed hash and the last two digits. */
const DESTINATION = /^#[0-9a-f]{10}…\d{0,2}$/;

/** Whether a value may be written as a field: an address itself never is, even where its name is expected. */
export function mayBeWritten(name: string, value: unknown): boolean {
  return name !== "destination" || (typeof value === "string" && DESTINATION.test(value));
}

/**
 * Fields that all lines of a logger hold, written already, and the lines made
 * with them: `{"level":"info","time":…,<fields>,"msg":…}`, as pino writes them.
 */
export class BoundFields {
  readonly #text: string;
  #timeMs = Number.NaN;
  #head = "";

  /** `text` holds members of a JSON object, each with a comma before it. */
  constructor(text: string) {
    this.#text = text;
  }

  /** These fields and further ones; of those only which are allowed. */
  and(fields: object, allowed: ReadonlySet<string>): BoundFields {
    return new BoundFields(this.#text + membersOf(fields, allowed));
  }

  /** One line at level info with its line end. `message` is a constant sentence without quotes or control characters. */
  line(message: string, fields: object, allowed: ReadonlySet<string>, timeMs: number): string {
    if (timeMs !== this.#timeMs) {
      this.#timeMs = timeMs;
      this.#head = `{"level":"info","time":"${new Date(timeMs).toISOString()}"${this.#text}`;
    }
    return `${this.#head}${membersOf(fields, allowed)},"msg":"${message}"}\n`;
  }
}

function membersOf(fields: object, allowed: ReadonlySet<string>): string {
  let text = "";
  for (const name in fields) {
    if (!allowed.has(name)) continue;
    const value: unknown = (fields as Record<string, unknown>)[name];
    if (!mayBeWritten(name, value)) continue;
    if (typeof value === "string") text += `,"${name}":${quoted(value)}`;
    else if (typeof value === "number" && Number.isFinite(value)) text += `,"${name}":${value}`;
  }
  return text;
}

function quoted(value: string): string {
  return JSON.stringify(value.length > MAX_FIELD_LENGTH ? value.slice(0, MAX_FIELD_LENGTH) : value);
}
