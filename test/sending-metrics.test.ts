import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import type { SendQueueState } from "../src/infobip/sending/send-queue.ts";
import { createMetrics, type Metrics } from "../src/telemetry/metrics.ts";

const NOW = 1_767_225_600_000;

let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics({ now: () => NOW });
});
afterEach(() => metrics[Symbol.asyncDispose]());

/** Lines of the page that begin with a name, without the comments. */
async function linesOf(name: string): Promise<string[]> {
  return (await metrics.page()).split("\n").filter((line) => line.startsWith(`infobip_rpc_${name}`));
}

const REQUEST = { messages: 3, destinations: 5, reason: "OK", outcome: "SENT" } as const;

describe("requests to Infobip", () => {
  test("are counted by outcome and reason, with their destinations", async () => {
    expect(await linesOf("upstream_requests_total")).toEqual([
      'infobip_rpc_upstream_requests_total{outcome="SENT",reason="OK"} 0',
      'infobip_rpc_upstream_requests_total{outcome="NOT_SENT",reason="UPSTREAM_CREDENTIALS_REJECTED"} 0',
      'infobip_rpc_upstream_requests_total{outcome="NOT_SENT",reason="UPSTREAM_FORBIDDEN"} 0',
    ]);
    metrics.sending.requestEnded(REQUEST);
    metrics.sending.requestEnded(REQUEST);
    metrics.sending.requestEnded({ ...REQUEST, reason: "SEND_OUTCOME_UNKNOWN", outcome: "UNKNOWN" });
    expect((await linesOf("upstream_requests_total")).filter((line) => !line.endsWith(" 0"))).toEqual([
      'infobip_rpc_upstream_requests_total{outcome="SENT",reason="OK"} 2',
      'infobip_rpc_upstream_requests_total{outcome="UNKNOWN",reason="SEND_OUTCOME_UNKNOWN"} 1',
    ]);
    expect(await linesOf("upstream_destinations_total")).toEqual([
      "infobip_rpc_upstream_destinations_total 15",
    ]);
  });

  test("have a histogram of their messages", async () => {
    metrics.sending.requestEnded({ ...REQUEST, messages: 100 });
    metrics.sending.requestEnded({ ...REQUEST, messages: 1 });
    const lines = await linesOf("upstream_request_messages");
    expect(lines).toContain('infobip_rpc_upstream_request_messages_bucket{le="1"} 1');
    expect(lines).toContain('infobip_rpc_upstream_request_messages_bucket{le="50"} 1');
    expect(lines).toContain('infobip_rpc_upstream_request_messages_bucket{le="100"} 2');
    expect(lines).toContain("infobip_rpc_upstream_request_messages_sum 101");
  });

  test("that are repeated, pauses and openings of the circuit are counted", async () => {
    const { retried, paused, circuitChanged } = metrics.sending;
    retried("UPSTREAM_RATE_LIMITED", 16);
    retried("UPSTREAM_RATE_LIMITED", 1);
    paused();
    paused();
    for (const state of ["open", "half-open", "open", "closed"] as const) circuitChanged(state);
    expect(await linesOf('upstream_retries_total{reason="UPSTREAM_RATE_LIMITED"}')).toEqual([
      'infobip_rpc_upstream_retries_total{reason="UPSTREAM_RATE_LIMITED"} 17',
    ]);
    expect(await linesOf("upstream_pauses_total")).toEqual(["infobip_rpc_upstream_pauses_total 2"]);
    expect(await linesOf("upstream_circuit_openings")).toEqual([
      "infobip_rpc_upstream_circuit_openings_total 2",
    ]);
  });
});

describe("the queue", () => {
  test("is read at each scrape, and not told of before it is there", async () => {
    const names = [
      "send_queue",
      "rate_limit_wait_seconds",
      "upstream_requests_in_flight",
      "upstream_pause_seconds",
      "upstream_circuit{",
    ];
    const read = async () => (await Promise.all(names.map(linesOf))).flat();
    expect(await read()).toEqual([]);
    let state: SendQueueState = {
      queuedJobs: 4,
      queuedBytes: 900,
      requests: 8,
      circuit: "half-open",
      pausedMs: 1_500,
      oldestMs: 750,
      rateLimitMs: 2_000,
    };
    metrics.observeSendQueue({ state: () => state });
    expect(await read()).toEqual([
      "infobip_rpc_send_queue_calls 4",
      "infobip_rpc_send_queue_bytes 900",
      "infobip_rpc_send_queue_age_seconds 0.75",
      "infobip_rpc_rate_limit_wait_seconds 2",
      "infobip_rpc_upstream_requests_in_flight 8",
      "infobip_rpc_upstream_pause_seconds 1.5",
      'infobip_rpc_upstream_circuit{state="closed"} 0',
      'infobip_rpc_upstream_circuit{state="open"} 0',
      'infobip_rpc_upstream_circuit{state="half-open"} 1',
    ]);
    state = { ...state, queuedJobs: 0, circuit: "closed" };
    expect(await read()).toContain("infobip_rpc_send_queue_calls 0");
    expect(await read()).toContain('infobip_rpc_upstream_circuit{state="closed"} 1');
  });
});

describe("calls", () => {
  test("with a known request id are counted by what they got", async () => {
    const { repeated, answerNotStored } = metrics.calls;
    repeated("replayed");
    repeated("joined");
    repeated("joined");
    answerNotStored();
    expect(await linesOf("request_id_repeats_total")).toEqual([
      'infobip_rpc_request_id_repeats_total{result="replayed"} 1',
      'infobip_rpc_request_id_repeats_total{result="joined"} 2',
      'infobip_rpc_request_id_repeats_total{result="conflicting"} 0',
    ]);
    expect(await linesOf("request_id_answers")).toEqual([
      "infobip_rpc_request_id_answers_not_stored_total 1",
    ]);
  });

  test("in a stream are counted by their result", async () => {
    metrics.calls.streamSendEnded("OK");
    metrics.calls.streamSendEnded("CREDITS_EXCEEDED");
    expect(await linesOf("stream_sends_total")).toEqual([
      'infobip_rpc_stream_sends_total{reason="OK"} 1',
      'infobip_rpc_stream_sends_total{reason="CREDITS_EXCEEDED"} 1',
    ]);
  });
});

describe("the outbox", () => {
  const state = {
    byState: new Map([
      [SubmissionState.QUEUED, 7],
      [SubmissionState.OUTCOME_UNKNOWN, 1],
    ]),
    bytes: 12_345,
    inFlight: 3,
    heldMs: 1_250,
  };
  const lines = [
    'infobip_rpc_outbox_submissions{state="QUEUED"} 7',
    'infobip_rpc_outbox_submissions{state="SENDING"} 0',
    'infobip_rpc_outbox_submissions{state="ACCEPTED"} 0',
    'infobip_rpc_outbox_submissions{state="REJECTED"} 0',
    'infobip_rpc_outbox_submissions{state="OUTCOME_UNKNOWN"} 1',
    'infobip_rpc_outbox_submissions{state="CANCELLED"} 0',
    'infobip_rpc_outbox_submissions{state="EXPIRED"} 0',
    "infobip_rpc_outbox_bytes 12345",
    "infobip_rpc_outbox_in_flight 3",
    "infobip_rpc_outbox_held_seconds 1.25",
  ];

  test("tells every state, what it holds, and for how long a submission has been due", async () => {
    expect(await linesOf("outbox")).toEqual([]);
    let dueMs: number | undefined = NOW - 2_500;
    const asked: number[] = [];
    const nextDue = async (afterMs: number) => {
      asked.push(afterMs);
      return dueMs;
    };
    metrics.observeOutbox({ state: () => state }, { nextDue });
    expect(await linesOf("outbox")).toEqual([...lines, "infobip_rpc_outbox_overdue_seconds 2.5"]);
    // A record without a time to wait for is due at 0.
    expect(asked[0]).toBeLessThan(0);
    for (const next of [undefined, NOW + 1]) {
      dueMs = next;
      expect(await linesOf("outbox_overdue")).toEqual(["infobip_rpc_outbox_overdue_seconds 0"]);
    }
  });

  test("is told also when its store cannot be read", async () => {
    const nextDue = () => Promise.reject(new Error("cannot be read"));
    metrics.observeOutbox({ state: () => state }, { nextDue });
    expect(await linesOf("outbox")).toEqual(lines);
  });
});
