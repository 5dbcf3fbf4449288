import { inspect } from "node:util";

const HIDDEN = "[hidden]";

/**
 * A value that must not be shown: printing, logging, inspecting or serialising
 * it gives "[hidden]". Only {@link Secret.reveal} gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it where it is used, never to keep or print it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
