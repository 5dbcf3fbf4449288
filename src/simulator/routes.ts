import { type Answer, errorAnswer, validationBadAnswer } from "./api-errors.ts";
import { INBOUND_SCOPES, type Scope, SEND_SCOPES } from "./credentials.ts";
import { answerEvents } from "./events-endpoint.ts";
import type { EndpointName, FaultRule } from "./fault.ts";
import { answerInbound, answerReports } from "./pull-endpoints.ts";
import { parseJson } from "./request-rules.ts";
import { answerSend } from "./send-endpoint.ts";
import type { SimulatorState } from "./state.ts";
import { answerToken } from "./token-endpoint.ts";
import { answerValidate } from "./validate-endpoint.ts";

/** A request to a REST endpoint, its body read. */
export interface RestRequest {
  readonly query: URLSearchParams;
  readonly body: string;
  /** Fault that lets the request take effect. */
  readonly fault: FaultRule | undefined;
}

/** One REST endpoint. */
export interface Route {
  readonly endpoint: EndpointName;
  readonly method: "GET" | "POST";
  readonly contentType: string | undefined;
  /** Scopes of which a credential needs one; undefined where none is asked for. */
  readonly scopes: readonly Scope[] | undefined;
  readonly answer: (request: RestRequest, state: SimulatorState) => Answer | Promise<Answer>;
}

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

/** Every REST endpoint by its path. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/messages-api/1/messages", posting("messages", sendMessages)],
  ["/messages-api/1/messages/validate", posting("validate", answerValidate)],
  ["/messages-api/1/events", posting("events", answerEvents)],
  [
    "/messages-api/1/reports",
    getting("reports", SEND_SCOPES, ({ query }, state) => answerReports(query, state)),
  ],
  [
    "/messages-api/1/inbound",
    getting("inbound", INBOUND_SCOPES, ({ query }, state) => answerInbound(query, state)),
  ],
  [
    "/auth/1/oauth2/token",
    { endpoint: "token", method: "POST", contentType: FORM_TYPE, scopes: undefined, answer: issueToken },
  ],
]);

type JsonAnswer = (
  json: unknown,
  state: SimulatorState,
  fault: FaultRule | undefined,
) => Answer | Promise<Answer>;

function posting(endpoint: EndpointName, answer: JsonAnswer): Route {
  return {
    endpoint,
    method: "POST",
    contentType: JSON_TYPE,
    scopes: SEND_SCOPES,
    answer({ body, fault }, state) {
      const json = parseJson(body);
      if (json) return answer(json.value, state, fault);
      if (endpoint === "validate") return validationBadAnswer([]);
      return errorAnswer(400, { style: state.options.errorStyle });
    },
  };
}

function getting(endpoint: EndpointName, scopes: readonly Scope[], answer: Route["answer"]): Route {
  return { endpoint, method: "GET", contentType: undefined, scopes, answer };
}

function sendMessages(json: unknown, state: SimulatorState, fault: FaultRule | undefined): Promise<Answer> {
  return answerSend(json, state, { rejectEverySecond: fault?.kind === "partial-rejection" });
}

function issueToken({ body }: RestRequest, state: SimulatorState): Answer {
  const token = `simulator-${state.ids.next()}`;
  return answerToken(body, state.authorization, token, state.options.tokenLifetimeSeconds);
}
