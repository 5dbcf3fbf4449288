/** Most bytes of a termination message; Kubernetes keeps no more. */
export const MAX_TERMINATION_BYTES = 4096;

/** Why a process ended. */
export interface Termination {
  /** Machine reason: CONFIG_INVALID, ADDRESS_IN_USE, STOPPED, … */
  readonly reason: string;
  /** One or two sentences, without secrets. */
  readonly message: string;
  /** Last state of the service; empty before there was one. */
  readonly state: string;
  readonly exitCode: number;
  /** Unix milliseconds. */
  readonly timeMs: number;
}

/** One line of JSON, cut so that it fits {@link MAX_TERMINATION_BYTES}. */
export function terminationMessage({ reason, message, state, exitCode, timeMs }: Termination): string {
  const textOf = (shown: string): string =>
    `${JSON.stringify({ reason, message: shown, state, exitCode, time: new Date(timeMs).toISOString() })}\n`;
  let shown = message;
  // Halving ends soon, also where characters take several bytes or are escaped.
  while (Buffer.byteLength(textOf(shown)) > MAX_TERMINATION_BYTES) {
    shown = `${shown.slice(0, Math.floor(shown.length / 2))}…`;
  }
  return textOf(shown);
}
