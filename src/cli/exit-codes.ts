/** Exit codes of every command. docs/configuration.md lists them. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** Failed, or the answer is no: a message was not sent, a body cannot be translated. */
  failure: 1,
  /** Wrong use of the command line, or wrong configuration. Nothing was done. */
  usage: 2,
  /** A request left and nobody knows what became of it. Only what has a request id is simply repeated. */
  outcomeUnknown: 3,
  /** The service cannot be reached. Nothing was done; safe to repeat. */
  unavailable: 4,
  /** The time was up before everything expected had come. */
  timeout: 5,
  /** `serve` could not start: an address is taken, the event log cannot be opened, NATS cannot be reached. */
  startFailed: 10,
  /** `serve` could no longer do its work, such as with an event log that cannot be written. */
  failedRunning: 11,
  /** `serve` was told to stop, and `drain_timeout` passed with work in progress, which was cut. */
  drainCut: 12,
  /** `serve` met an error that nobody had foreseen. */
  crashed: 13,
  /** A second signal: stopped without waiting. */
  interrupted: 130,
} as const;
