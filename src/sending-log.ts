import type { ServiceError } from "./errors.ts";
import type { SendQueueState } from "./infobip/sending/send-queue.ts";
import type { Logger } from "./log.ts";
import type { RecordFailure } from "./messages/send-result-recorder.ts";
import { RareLine } from "./rare-line.ts";

/** What happens on the way of messages to Infobip and is worth a log line. None of these throws. */
export interface SendingEvents {
  /** The circuit has changed. */
  readonly circuitChanged: (state: SendQueueState["circuit"]) => void;
  /** A 429 holds everything back, for a time in milliseconds. */
  readonly paused: (forMs: number) => void;
  /** An answer to a call with a request id went out without being stored. */
  readonly answerNotStored: (error: ServiceError) => void;
  /** Results of sends were not recorded as events. */
  readonly resultsNotRecorded: (failure: RecordFailure) => void;
  /** The outbox waits as a whole, for a time in milliseconds. */
  readonly outboxHeld: (error: ServiceError, holdMs: number) => void;
  /** The outbox sends again. */
  readonly outboxResumed: () => void;
  /** The outbox could not write to its store; it tries again. */
  readonly outboxTroubled: (error: ServiceError) => void;
}

/**
 * Writes what happens on the way to Infobip as log lines: each kind of trouble
 * at most once a minute, with how often it came since the last line, and its
 * end where it has one.
 * @param now Milliseconds on any clock that only goes forward.
 */
export function logSendingEvents(log: Logger, now: () => number): SendingEvents {
  const upstream = log.child({ component: "upstream" });
  const outbox = log.child({ component: "outbox" });
  const circuit = new RareLine(now);
  const pauses = new RareLine(now);
  const unstored = new RareLine(now);
  const unrecorded = new RareLine(now);
  const holds = new RareLine(now);
  const troubles = new RareLine(now);
  return {
    circuitChanged: (state) => logCircuit(upstream, circuit, state),
    paused: (delayMs) =>
      pauses.write((count) =>
        upstream.warn("Infobip takes no more requests for now (429); everything waits", {
          delayMs: Math.round(delayMs),
          count,
        }),
      ),
    answerNotStored: (error) =>
      unstored.write((count) =>
        log.error(
          "answers to calls with a request id were not stored; repeats send again, with the same ids",
          {
            component: "messages",
            count,
            reason: error.reason,
            error,
          },
        ),
      ),
    resultsNotRecorded: ({ events, error }) =>
      unrecorded.write(
        (count) =>
          log.error("send results were not recorded as events; the messages were sent", {
            component: "messages",
            count,
            reason: error.reason,
            error,
          }),
        events,
      ),
    outboxHeld: (error, holdMs) =>
      holds.write((count) =>
        outbox.warn("nothing can be sent; submissions wait, one of them tries", {
          delayMs: Math.round(holdMs),
          count,
          reason: error.reason,
          error,
        }),
      ),
    outboxResumed: () => {
      if (holds.end()) outbox.info("submissions are sent again");
    },
    outboxTroubled: (error) =>
      troubles.write((count) =>
        outbox.error("the outbox could not write to its store; it tries again", {
          count,
          reason: error.reason,
          error,
        }),
      ),
  };
}

function logCircuit(log: Logger, line: RareLine, state: SendQueueState["circuit"]): void {
  if (state === "open") {
    line.write((count) =>
      log.warn(
        "requests to Infobip fail one after the other; sends fail at once until a probe gets through",
        {
          state,
          count,
        },
      ),
    );
  } else if (state === "half-open") log.debug("a probe goes to Infobip", { state });
  else if (line.end()) log.info("Infobip answers again", { state });
}
