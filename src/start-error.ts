/** The service cannot start: something it needs cannot be had. The text names the setting and what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** Machine reason, such as ADDRESS_IN_USE. */
  readonly reason: string;

  constructor(reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** Runs what begins to listen, and tells a failure by the setting that holds the address. */
export async function listening<T>(setting: string, address: string, begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isTaken = code === "EADDRINUSE";
    const advice = isTaken ? "another process listens there; stop it or choose another address" : message;
    const reason = isTaken ? "ADDRESS_IN_USE" : "ADDRESS_UNAVAILABLE";
    throw new StartError(reason, `${setting}: cannot listen on ${address}: ${advice}`, error);
  }
}
