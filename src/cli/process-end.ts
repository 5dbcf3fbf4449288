import type { CliContext } from "./cli-context.ts";
import { EXIT } from "./exit-codes.ts";
import { terminationMessage } from "./termination-message.ts";

/** Why a process ends, as far as it is known. */
interface Ending {
  readonly reason: string;
  readonly message: string;
  /** State of the service then; not set: that at the end. */
  readonly state?: string;
}

const STOPPED: Ending = { reason: "STOPPED", message: "stopped by a signal" };
const INTERRUPTED: Ending = {
  reason: "INTERRUPTED",
  message: "a second signal came while the service drained; what was in progress was cut",
};
const UNTOLD: Ending = { reason: "ENDED", message: "the process ended for a reason that it did not tell" };

/**
 * Sees to the last things a process does, whichever way it ends: log lines
 * that are held are written, and the file that was asked for is told why.
 */
export class ProcessEnd {
  readonly #context: CliContext;
  #ending: Ending | undefined;
  /** File for the termination message; undefined: none. */
  file: string | undefined;
  /** Writes what is held of the log. */
  flush: () => void = () => undefined;
  /** State of the service. */
  stateOf: () => string = () => "";

  constructor(context: CliContext) {
    this.#context = context;
    // For the rest of the process: that is what it is about.
    context.process.onExit((exitCode) => this.end(exitCode));
  }

  /** The process is about to end for this reason; the first one counts. */
  because(reason: string, message: string): void {
    this.#ending ??= { reason, message, state: this.stateOf() };
  }

  /** The process ends with this code. */
  end(exitCode: number): void {
    this.flush();
    if (this.file === undefined) return;
    const { reason, message, state = this.stateOf() } = this.#endingOf(exitCode);
    const timeMs = this.#context.clock.now();
    const text = terminationMessage({ reason, message, state, exitCode, timeMs });
    try {
      this.#context.process.writeNow(this.file, text);
    } catch {
      // Nothing is left that could be done about it.
    }
  }

  #endingOf(exitCode: number): Ending {
    if (exitCode === EXIT.interrupted) return INTERRUPTED;
    return this.#ending ?? (exitCode === EXIT.ok ? STOPPED : UNTOLD);
  }
}
