import type { IncomingMessage, ServerResponse } from "node:http";
import { writeAnswer, writeSpoilt } from "./answer-writer.ts";
import { type Answer, errorAnswer } from "./api-errors.ts";
import { readBody } from "./body-reader.ts";
import { type FaultRule, takesEffect } from "./fault.ts";
import { faultAnswer } from "./fault-answer.ts";
import { MAX_CONTROL_BODY_BYTES } from "./limits.ts";
import { ROUTES, type Route } from "./routes.ts";
import type { SimulatorState } from "./state.ts";

/** Stands for the answer of a request that was not carried out. */
const NO_ANSWER: Answer = { status: 0, body: "" };
/** What is spoilt when a request was not carried out. */
const EMPTY_ANSWER: Answer = { status: 200, body: '{"messages":[]}' };

/** Answers one request to Infobip's side of the simulator, faults included. */
export async function handleRest(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  state: SimulatorState,
): Promise<void> {
  const style = state.options.errorStyle;
  const route = ROUTES.get(url.pathname);
  if (!route || route.method !== request.method) {
    const headers = route ? { allow: route.method } : undefined;
    request.resume();
    return finish(response, errorAnswer(route ? 405 : 404, { style, headers }), state);
  }
  const fault = state.faults.take(route.endpoint);
  state.journal.arrived(route.endpoint);
  if (fault?.kind === "reset-before-body") {
    note(request, url, route, undefined, fault, state);
    return writeSpoilt(request, response, NO_ANSWER, fault, state.timers);
  }
  const limit = route.endpoint === "token" ? MAX_CONTROL_BODY_BYTES : state.options.maxBodyBytes;
  const outcome = await readBody(request, limit);
  note(request, url, route, outcome.kind === "body" ? outcome.text : undefined, fault, state);
  if (outcome.kind === "aborted") return;
  const answer =
    outcome.kind === "too-large"
      ? errorAnswer(413, { style, headers: { connection: "close" } })
      : await answerOf(request, url, route, outcome.text, fault, state);
  if (response.destroyed) return;
  if (fault) spoil(request, response, answer, fault, state);
  else finish(response, answer, state);
}

async function answerOf(
  request: IncomingMessage,
  url: URL,
  route: Route,
  body: string,
  fault: FaultRule | undefined,
  state: SimulatorState,
): Promise<Answer> {
  const replaced = fault && faultAnswer(fault, route.endpoint, state.options.errorStyle);
  if (fault && !takesEffect(fault)) return replaced ?? NO_ANSWER;
  const refusal = refuse(request, route, state);
  const answer = refusal ?? (await route.answer({ query: url.searchParams, body, fault }, state));
  return replaced ?? answer;
}

function refuse(request: IncomingMessage, route: Route, state: SimulatorState): Answer | undefined {
  const style = state.options.errorStyle;
  if (route.scopes !== undefined) {
    const verdict = state.authorization.judge(request.headers.authorization, route.scopes);
    if (verdict === "unauthorized") return errorAnswer(401, { style });
    if (verdict === "forbidden") return errorAnswer(403, { style });
  }
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  const typeFits = route.contentType === undefined || type === route.contentType;
  return typeFits ? undefined : errorAnswer(415, { style });
}

function spoil(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  fault: FaultRule,
  state: SimulatorState,
): void {
  const spoilt = answer === NO_ANSWER ? EMPTY_ANSWER : answer;
  count(state, fault.kind === "hang" || fault.kind === "reset-after-body" ? 0 : spoilt.status);
  writeSpoilt(request, response, spoilt, fault, state.timers);
}

function finish(response: ServerResponse, answer: Answer, state: SimulatorState): void {
  count(state, answer.status);
  writeAnswer(response, answer);
}

function count(state: SimulatorState, status: number): void {
  state.responses.set(status, (state.responses.get(status) ?? 0) + 1);
}

function note(
  request: IncomingMessage,
  url: URL,
  route: Route,
  body: string | undefined,
  fault: FaultRule | undefined,
  state: SimulatorState,
): void {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name !== "authorization" && value !== undefined) headers[name] = String(value);
  }
  state.journal.record({
    endpoint: route.endpoint,
    method: route.method,
    url: url.pathname + url.search,
    headers,
    body,
    fault: fault?.kind,
  });
}
