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
  /** A second signal: stopped without waiting. */
  interrupted: 130,
} as const;
