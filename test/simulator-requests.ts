export const SEND = "/messages-api/1/messages";
export const VALIDATE = "/messages-api/1/messages/validate";
export const EVENTS = "/messages-api/1/events";
export const REPORTS = "/messages-api/1/reports";
export const INBOUND = "/messages-api/1/inbound";

export const AUTHORIZED = { authorization: "App simulator" };

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  readonly json: any;
}

/** Sends a request and parses the answer where it is JSON. */
export async function call(
  base: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = AUTHORIZED,
): Promise<Reply> {
  const init: RequestInit = { method, headers: { "content-type": "application/json", ...headers } };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(base + path, init);
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** One message with a text, to one or more addresses. */
export function textMessage(channel: string, to: readonly string[], more: object = {}) {
  return {
    channel,
    sender: "447491163862",
    destinations: to.map((address) => ({ to: address })),
    content: { body: { type: "TEXT", text: "Hello" } },
    ...more,
  };
}

/** A request with one SMS to each of the addresses. */
export function smsTo(...to: string[]) {
  return { messages: [textMessage("SMS", to)] };
}
