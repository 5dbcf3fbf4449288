import type { ApiError } from "./jetstream-api.ts";
import type { NatsFailure } from "./nats-errors.ts";
import type { StreamDifference } from "./stream-config.ts";
import type { StreamLayout } from "./stream-layout.ts";

/** A stream is there and has other settings than it must have. The text names each and says what to do. */
export class StreamMismatch extends Error {
  override readonly name = "StreamMismatch";
  readonly stream: string;
  readonly differences: readonly StreamDifference[];

  constructor(stream: string, differences: readonly StreamDifference[]) {
    const list = differences.map(
      ({ setting, found, wanted }) => `${setting} is ${found} and must be ${wanted}`,
    );
    super(
      `the stream ${stream} has other settings than this service's configuration asks for: ${list.join("; ")}; ` +
        `change the stream (nats stream edit ${stream}) or the configuration, or choose another nats.prefix`,
    );
    this.stream = stream;
    this.differences = differences;
  }
}

/**
 * Why the server cannot have a stream. REPLICAS: too few servers. STORAGE: not
 * enough room for max_bytes. SUBJECTS: another stream takes its subjects.
 * DISABLED: JetStream is off for the server or the account. UNANSWERED: nothing
 * came back, such as without the permission to ask. REFUSED: anything else.
 */
export type StreamSetupReason = "REPLICAS" | "STORAGE" | "SUBJECTS" | "DISABLED" | "UNANSWERED" | "REFUSED";

/** The server cannot have a stream. The text names the setting and says what to do. */
export class StreamSetupError extends Error {
  override readonly name = "StreamSetupError";
  readonly reason: StreamSetupReason;
  readonly stream: string;

  constructor(reason: StreamSetupReason, stream: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
    this.stream = stream;
  }
}

/** Reasons by the server's err_code. */
const REASONS: ReadonlyMap<number, StreamSetupReason> = new Map([
  [10005, "REPLICAS"],
  [10074, "REPLICAS"],
  [10023, "STORAGE"],
  [10028, "STORAGE"],
  [10047, "STORAGE"],
  [10052, "REFUSED"],
  [10065, "SUBJECTS"],
  [10035, "DISABLED"],
  [10039, "DISABLED"],
  [10076, "DISABLED"],
]);

/** Words what the server says about a stream that it does not create or show. */
export function streamSetupError(layout: StreamLayout, error: ApiError): StreamSetupError {
  const { name, replicas, maxBytes } = layout;
  const reason = REASONS.get(error.code) ?? "REFUSED";
  const advice: Readonly<Record<StreamSetupReason, string>> = {
    REPLICAS: `nats.replicas asks for ${replicas} servers with JetStream; add servers or lower it`,
    STORAGE: `give the server's or the account's JetStream more room than the ${maxBytes} bytes of this stream, or lower its setting, see docs/nats.md`,
    SUBJECTS: "another stream takes these subjects; remove it, or choose another nats.prefix",
    DISABLED: ENABLE,
    UNANSWERED: "check the cluster's servers",
    REFUSED: "check the account's JetStream permissions and limits",
  };
  return setupError(reason, name, error.message, advice[reason], error);
}

/** Words that there was no answer about a stream. */
export function unansweredSetup(stream: string, failure: NatsFailure): StreamSetupError {
  return failure.code === "NO_RESPONDERS"
    ? setupError("DISABLED", stream, failure.message, `${ENABLE}, and check its cluster`, failure)
    : setupError(
        "UNANSWERED",
        stream,
        failure.message,
        "check the user's permissions and the server",
        failure,
      );
}

const ENABLE = "enable JetStream on the server and for the account";

function setupError(
  reason: StreamSetupReason,
  stream: string,
  detail: string,
  advice: string,
  cause: unknown,
): StreamSetupError {
  return new StreamSetupError(
    reason,
    stream,
    `the stream ${stream} cannot be created or read: ${detail}; ${advice}`,
    cause,
  );
}
