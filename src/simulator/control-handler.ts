import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { writeAnswer } from "./answer-writer.ts";
import type { Answer } from "./api-errors.ts";
import { readBody } from "./body-reader.ts";
import { readFaultRules } from "./fault-input.ts";
import { inboundItem, inboundSchema, typingInputItem, typingSchema } from "./inbound-input.ts";
import { MAX_CONTROL_BODY_BYTES } from "./limits.ts";
import { parseJson } from "./request-rules.ts";
import type { SimulatorState } from "./state.ts";
import { statsOf } from "./stats.ts";

/** Where the control endpoints live. */
export const CONTROL_PREFIX = "/simulator/";

const DEFAULT_IDLE_WAIT_MS = 10_000;
const MAX_IDLE_WAIT_MS = 600_000;

interface ControlRequest {
  readonly url: URL;
  readonly json: unknown;
  readonly state: SimulatorState;
}

type Control = (request: ControlRequest) => Answer | Promise<Answer>;

const CONTROLS: Readonly<Record<string, Control>> = {
  "GET /simulator/stats": ({ state }) => ok(statsOf(state)),
  "GET /simulator/requests": ({ state }) => ok({ requests: state.journal.recorded() }),
  "GET /simulator/messages": ({ url, state }) => {
    const id = url.searchParams.get("messageId");
    return id === null ? ok({ messages: state.ledger.messages() }) : ok(state.ledger.counts(id));
  },
  "GET /simulator/faults": ({ state }) => ok({ faults: state.faults.list() }),
  "POST /simulator/faults": ({ json, state }) => {
    state.faults.add(readFaultRules(json));
    return ok({ faults: state.faults.list() });
  },
  "DELETE /simulator/faults": ({ state }) => {
    state.faults.clear();
    return ok({ faults: [] });
  },
  "POST /simulator/inbound": ({ json, state }) => {
    const input = inboundSchema.parse(json);
    const item = inboundItem(input, state.options.clock.now(), () => state.ids.next());
    state.callbacks.receive(item);
    return ok({ messageId: item.messageId });
  },
  "POST /simulator/typing": ({ json, state }) => {
    const input = typingSchema.parse(json);
    const item = typingInputItem(input, state.options.clock.now(), () => state.ids.next());
    state.callbacks.receive(item);
    return ok({ messageId: item.messageId });
  },
  "POST /simulator/reset": ({ state }) => {
    state.reset();
    return ok({});
  },
  "GET /simulator/idle": awaitIdle,
};

/** Answers one request to the control endpoints. Their errors are plain: `{"error": "..."}`. */
export async function handleControl(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  state: SimulatorState,
): Promise<void> {
  const control = CONTROLS[`${request.method} ${url.pathname}`];
  const outcome = await readBody(request, MAX_CONTROL_BODY_BYTES);
  if (outcome.kind === "aborted") return;
  if (!control) return writeAnswer(response, failure(404, "no such control endpoint or method"));
  if (outcome.kind === "too-large") return writeAnswer(response, failure(413, "the body is too large"));
  const json = parseJson(outcome.text === "" ? "null" : outcome.text);
  if (!json) return writeAnswer(response, failure(400, "the body is no JSON"));
  writeAnswer(response, await run(control, { url, json: json.value, state }));
}

async function run(control: Control, request: ControlRequest): Promise<Answer> {
  try {
    return await control(request);
  } catch (error) {
    if (error instanceof z.ZodError) return failure(400, z.prettifyError(error));
    if (error instanceof RangeError) return failure(400, error.message);
    throw error;
  }
}

async function awaitIdle({ url, state }: ControlRequest): Promise<Answer> {
  const asked = Number(url.searchParams.get("timeoutMs") ?? DEFAULT_IDLE_WAIT_MS);
  const waitMs = Number.isFinite(asked)
    ? Math.min(Math.max(asked, 0), MAX_IDLE_WAIT_MS)
    : DEFAULT_IDLE_WAIT_MS;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const cancelTimeout = state.timers.after(waitMs, () => resolve(false));
  const stopWaiting = state.outstanding.onIdle(() => resolve(true));
  const idle = await promise;
  cancelTimeout();
  stopWaiting();
  return ok({ idle, outstanding: state.outstanding.count });
}

function ok(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) };
}

function failure(status: number, error: string): Answer {
  return { status, body: JSON.stringify({ error }) };
}
