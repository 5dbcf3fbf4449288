import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { toConnectError } from "../src/errors.ts";
import { CallFailure } from "../src/infobip/call-failure.ts";
import type { InfobipCallOptions } from "../src/infobip/infobip-client.ts";
import { API_KEY, clientOf, errorOf, httpAnswer, startUpstream } from "./infobip-scripted-upstream.ts";

async function refusal(body: string | Buffer, call: Partial<InfobipCallOptions> = {}) {
  await using upstream = await startUpstream((_request, socket) => {
    const bytes = Buffer.from(body);
    socket.write(httpAnswer(400, "", { "content-length": String(bytes.length) }));
    socket.write(bytes);
  });
  await using client = clientOf(upstream.url);
  return await errorOf(client.sendMessages("{}", { signal: new AbortController().signal, ...call }));
}

function apiError(more: object): string {
  return JSON.stringify({
    errorCode: "E400",
    description: "",
    action: "",
    violations: [],
    resources: [],
    ...more,
  });
}

test("violations become field violations with protobuf paths; unmapped ones keep the property", async () => {
  const body = apiError({
    description: "Request cannot be processed.",
    action: "Check the syntax.",
    violations: [
      { property: "messages[0].content.body.text", violation: "must not be blank" },
      { property: "surprise", violation: "is not known" },
    ],
  });
  const error = await refusal(body, {
    fieldPath: (property) =>
      property === "surprise" ? "" : property.replace("messages[0].", "messages[0].message."),
  });
  expect(error.violations).toEqual([
    { field: "messages[0].message.content.body.text", description: "must not be blank" },
    { field: "surprise", description: "is not known" },
  ]);
  expect(error.message).toContain("Infobip says: Request cannot be processed. Check the syntax.");
  expect(error.message).not.toContain("must not be blank");
  expect(error.metadata).toEqual({ outcome: "NOT_SENT", http_status: "400", upstream_code: "E400" });
  const types = toConnectError(error).details.map((detail) => ("desc" in detail ? detail.desc.typeName : ""));
  expect(types).toEqual(["google.rpc.ErrorInfo", "google.rpc.BadRequest"]);
});

test("the older style is read too", async () => {
  const error = await refusal(
    JSON.stringify({
      requestError: {
        serviceException: {
          messageId: "BAD_REQUEST",
          text: "Bad request",
          validationErrors: { "messages[0].from": ["size must be between 1 and 11", "is reserved"] },
        },
      },
    }),
  );
  expect(error.message).toContain("Infobip says: Bad request");
  expect(error.metadata).toMatchObject({ upstream_code: "BAD_REQUEST" });
  expect(error.violations).toEqual([
    { field: "messages[0].from", description: "size must be between 1 and 11" },
    { field: "messages[0].from", description: "is reserved" },
  ]);
});

test.each([
  ["a page", "<html><h1>400 Bad Request</h1> nginx</html>"],
  ["nothing", ""],
  ["truncated JSON", '{"errorCode":"E400","description":"Requ'],
  ["UTF-16", Buffer.from(apiError({ description: "utf sixteen" }), "utf16le")],
  ["JSON of other types", '{"errorCode":5,"description":["x"],"violations":{"a":1}}'],
  ["a JSON string", '"no"'],
])("a body that is %s says nothing, and the status counts", async (_title, body) => {
  const error = await refusal(body);
  expect(error).toMatchObject({ code: Code.InvalidArgument, reason: "UPSTREAM_REJECTED", violations: [] });
  expect(error.message).not.toContain("Infobip says");
});

test("a byte order mark and Latin-1 letters do not keep the rest from being read", async () => {
  const marked = await refusal(`\ufeff${apiError({ description: "With a mark." })}`);
  expect(marked.message).toContain("With a mark.");
  const latin = await refusal(Buffer.from(apiError({ description: "Ungültig, aber lesbar." }), "latin1"));
  expect(latin.message).toContain("aber lesbar.");
});

test("numbers that could be phones, secrets and line breaks are taken out, in texts and fields", async () => {
  const error = await refusal(
    apiError({
      description: `Key ${API_KEY}\r\nand 385912345678`,
      action: "Call +1 (202) 555-0147 within 30 days, code 123456.",
      violations: [{ property: "to.385912345678", violation: `385 91 234 5678 is not ${API_KEY}` }],
    }),
  );
  expect(error.message).toContain("Key [hidden] and [hidden] Call [hidden] within 30 days, code 123456.");
  expect(error.violations).toEqual([{ field: "to.[hidden]", description: "[hidden] is not [hidden]" }]);
});

test("texts, violations and message ids are bounded so that the details fit into gRPC trailers", async () => {
  const violations = Array.from({ length: 1_500 }, (_, index) => ({
    property: `messages[${index}].${"p".repeat(30)}`,
    violation: "v".repeat(1_000),
  }));
  const refused = await refusal(apiError({ description: "d".repeat(100_000), violations }));
  expect(refused.message.length).toBeLessThan(600);
  const listed = refused.violations.length;
  expect(listed).toBeGreaterThan(3);
  expect(Number(refused.metadata.violations_left_out)).toBe(1_000 - listed);
  expect(Buffer.byteLength(JSON.stringify(refused.violations))).toBeLessThan(3_000);

  await using upstream = await startUpstream((_request, socket) => void socket.write(httpAnswer(502)));
  await using client = clientOf(upstream.url);
  const messageIds = Array.from({ length: 200 }, (_, index) => `id,${index}%`);
  const unknown = await errorOf(
    client.sendMessages("{}", { signal: new AbortController().signal, messageIds }),
  );
  expect(unknown.metadata.message_ids?.split(",").map(decodeURIComponent)).toEqual(messageIds.slice(0, 50));
  expect(unknown.metadata.message_ids_left_out).toBe("150");
  const long = Array.from({ length: 20 }, (_, index) => `${index}`.padStart(200, "x"));
  const cut = await errorOf(
    client.sendMessages("{}", { signal: new AbortController().signal, messageIds: long }),
  );
  expect(cut.metadata.message_ids?.split(",")).toEqual(long.slice(0, 9));
  expect(cut.metadata.message_ids_left_out).toBe("11");
});

test("only codes are taken from network faults", () => {
  const fault = (code: unknown) => Object.assign(new Error("x"), { code });
  expect(new CallFailure("CONNECT", { fault: fault("ECONNREFUSED") }).faultCode).toBe("ECONNREFUSED");
  expect(new CallFailure("CONNECT", { fault: fault("Call +385912345678") }).faultCode).toBe("");
  expect(new CallFailure("CONNECT", { fault: fault(7) }).faultCode).toBe("");
});
