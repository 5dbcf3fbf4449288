import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rig } from "./server-rig.ts";

const SEND = "/infobip.messages.v1.MessagesService/SendMessages";
/** A number that no error text may repeat. */
const NUMBER = "385998877665";
const VALID = JSON.stringify({
  messages: [
    {
      message: {
        channel: "CHANNEL_SMS",
        sender: "curl",
        destinations: [{ toDestination: { to: NUMBER } }],
        content: { body: { text: { text: "hi" } } },
      },
    },
  ],
});

interface ErrorBody {
  code: string;
  message: string;
  details: { type: string; debug: { reason: string; metadata?: Record<string, string> } }[];
}

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function post(body: string, path = SEND, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://${rig.httpAddress}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

async function refusal(response: Response) {
  const text = await response.text();
  expect(text).not.toContain(NUMBER);
  const body = JSON.parse(text) as ErrorBody;
  expect(body.details[0]?.type).toBe("google.rpc.ErrorInfo");
  return { status: response.status, code: body.code, message: body.message, info: body.details[0]?.debug };
}

describe("JSON over HTTP/1.1", () => {
  it("answers a plain POST", async () => {
    const response = await post(VALID);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ bulkId: "curl" });
  });

  it.each([
    [
      "an unknown enum name",
      VALID.replace('"CHANNEL_SMS"', `"${NUMBER}"`),
      "give one of: CHANNEL_UNSPECIFIED",
    ],
    [
      "two members of a oneof",
      VALID.replace('"message":{', '"templateMessage":{},"message":{'),
      "give one of: message, templateMessage",
    ],
    ["a value of the wrong type", VALID.replace('"curl"', NUMBER), "Message.sender must be a valid string"],
    ["an unknown field", VALID.replace('"sender"', '"sendr"'), 'no field for the key "sendr"'],
    ["an unknown field that looks like data", VALID.replace('"sender"', `"${NUMBER}"`), "no field for a key"],
    ["a field given twice", VALID.replace('"sender"', '"channel":"CHANNEL_SMS","sender"'), "given twice"],
    ["text that is no JSON", `{"messages": ${NUMBER}, oops`, "no valid JSON"],
    ["a list where an object belongs", `[${NUMBER}]`, "does not fit infobip.messages.v1.SendMessagesRequest"],
    ["nothing at all", "", "no valid JSON"],
  ])("explains %s without repeating its value", async (_name, body, explanation) => {
    const error = await refusal(await post(body));
    expect(error).toMatchObject({
      status: 400,
      code: "invalid_argument",
      info: { reason: "REQUEST_INVALID", metadata: { outcome: "NOT_SENT" } },
    });
    expect(error.message).toContain(explanation);
  });

  it("refuses a number that is no name of an enum", async () => {
    const error = await refusal(await post(VALID.replace('"CHANNEL_SMS"', "99")));
    expect(error).toMatchObject({ status: 400, info: { reason: "REQUEST_INVALID" } });
  });

  it("answers 404 for an unknown method, whatever its body", async () => {
    const path = "/infobip.messages.v1.MessagesService/Nope";
    expect(await refusal(await post("x".repeat(100_000), path))).toMatchObject({
      status: 404,
      code: "unimplemented",
      info: { reason: "METHOD_UNKNOWN" },
    });
    expect(rig.refusals.at(-1)?.method).toBe("_OTHER");
  });

  it("answers unknown methods of gRPC-Web in that protocol", async () => {
    const response = await post("", "/no.Service/Method", { "content-type": "application/grpc-web+proto" });
    expect(response.status).toBe(200);
    expect(response.headers.get("grpc-status")).toBe("12");
    expect(response.headers.get("grpc-status-details-bin")).not.toBeNull();
  });

  it("answers 415 for a content type that is none of its protocols", async () => {
    const response = await post(VALID, SEND, { "content-type": "text/plain" });
    expect(await refusal(response)).toMatchObject({ status: 415, info: { reason: "PROTOCOL_ERROR" } });
  });

  it("answers 405 for a GET of a method", async () => {
    const response = await fetch(`http://${rig.httpAddress}${SEND}`);
    expect(await refusal(response)).toMatchObject({ status: 405, info: { reason: "PROTOCOL_ERROR" } });
  });

  it("refuses a compression it does not know", async () => {
    const response = await post(VALID, SEND, { "content-encoding": "zstd" });
    expect(await refusal(response)).toMatchObject({
      code: "unimplemented",
      info: { reason: "PROTOCOL_ERROR" },
    });
  });

  it("refuses a body that is not compressed as it says", async () => {
    const response = await post(VALID, SEND, { "content-encoding": "gzip" });
    expect(await refusal(response)).toMatchObject({ status: 400, info: { reason: "PROTOCOL_ERROR" } });
  });

  it.each(["abc", "99999999999999"])("refuses a timeout of %s", async (timeout) => {
    const response = await post(VALID, SEND, { "connect-timeout-ms": timeout });
    expect(await refusal(response)).toMatchObject({ status: 400, info: { reason: "PROTOCOL_ERROR" } });
  });

  it("refuses a call whose deadline has passed before it is read", async () => {
    const response = await post(`{"${NUMBER}`, SEND, { "connect-timeout-ms": "0" });
    expect(await refusal(response)).toMatchObject({
      code: "deadline_exceeded",
      info: { reason: "DEADLINE_EXCEEDED" },
    });
  });

  it("tells at its root what it is", async () => {
    const response = await fetch(`http://${rig.httpAddress}/`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      services: ["infobip.messages.v1.MessagesService", "infobip.events.v1.EventsService"],
    });
  });

  it("answers a chunked body of 5 MiB before it is all sent, and goes on", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(`http://${rig.httpAddress}${SEND}`, {
        method: "POST",
        headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
      });
      request.on("error", reject);
      request.on("response", (response) => {
        response.setEncoding("utf8");
        let text = String(response.statusCode);
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      });
      request.end(`{"messages":"${"x".repeat(5 * 1024 * 1024)}"}`);
    });
    expect(answer).toMatch(/^429/);
    expect(answer).toContain("REQUEST_TOO_LARGE");
    expect((await post(VALID)).status).toBe(200);
  });
});

it("says that nothing was sent when the deadline had passed before the call began", async () => {
  const { status, info } = await refusal(await post(VALID, SEND, { "connect-timeout-ms": "0" }));
  expect(status).toBe(504);
  expect(info).toMatchObject({ reason: "DEADLINE_EXCEEDED", metadata: { outcome: "NOT_SENT" } });
});
