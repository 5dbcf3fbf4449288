import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { FakeService } from "./cli-fake-service.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const SMS = ["--channel", "sms", "--to", "41790000001", "--text", "Hello"];
const sent = (messageId: string, outcome = SendOutcome.SENT) => ({
  messageId,
  outcome,
  destination: "41790000001",
});

test("send builds one text message and prints one row for each destination", async () => {
  await using fake = await FakeService.start({
    send: () => ({ bulkId: "b-1", results: [sent("m-1"), { ...sent("m-2"), destinationIndex: 1 }] }),
  });
  const { exitCode, stdout } = await cli([
    "send",
    "--target",
    fake.target,
    ...SMS,
    "--to",
    "41790000002",
    "--from",
    "Shop",
  ]);
  expect(exitCode).toBe(0);
  expect(stdout.split("\n")).toEqual([
    "#    destination  outcome  status  message id",
    "0.0  41790000001  SENT             m-1",
    "0.1  41790000001  SENT             m-2",
    "bulk b-1",
    "",
  ]);
  const [message] = fake.sends[0]?.messages ?? [];
  expect(message?.kind.value).toMatchObject({
    channel: Channel.SMS,
    sender: "Shop",
    destinations: [{ kind: { value: { to: "41790000001" } } }, { kind: { value: { to: "41790000002" } } }],
    content: { body: { type: { case: "text", value: { text: "Hello" } } } },
  });
});

test("send --file - sends the JSON of stdin", async () => {
  await using fake = await FakeService.start({ send: () => ({ results: [sent("m-1")] }) });
  const stdin = '{"messages":[{"message":{"channel":"CHANNEL_RCS"}}],"options":{"schedule":{"bulkId":"b"}}}';
  const { exitCode, stdout } = await cli(["send", "--target", fake.target, "--file", "-", "--json"], {
    stdin,
  });
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout)).toEqual([
    { messageId: "m-1", destination: "41790000001", outcome: "SEND_OUTCOME_SENT" },
  ]);
  expect(fake.sends[0]?.options?.schedule?.bulkId).toBe("b");
});

test.each([
  [SendOutcome.NOT_SENT, 1],
  [SendOutcome.UNKNOWN, 3],
])("a destination with outcome %s makes exit code %i", async (outcome, expected) => {
  await using fake = await FakeService.start({
    send: () => ({ results: [sent("m-1"), sent("m-2", outcome)] }),
  });
  const { exitCode } = await cli(["send", "--target", fake.target, ...SMS]);
  expect(exitCode).toBe(expected);
});

test("an error shows code, reason, violations and metadata", async () => {
  const error = new ServiceError(Code.InvalidArgument, "REQUEST_INVALID", "the request breaks a rule", {
    violations: [{ field: "messages[0].message.channel", description: "must be set" }],
    metadata: { outcome: "NOT_SENT" },
    retryDelayMs: 1500,
  });
  await using fake = await FakeService.start({ send: () => error });
  const human = await cli(["send", "--target", fake.target, ...SMS]);
  expect(human).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: [
      "error INVALID_ARGUMENT REQUEST_INVALID: the request breaks a rule",
      "  messages[0].message.channel  must be set",
      "  outcome: NOT_SENT",
      "  retry after: 1500 ms",
      "",
    ].join("\n"),
  });
  const machine = await cli(["send", "--target", fake.target, ...SMS, "--json"]);
  expect(jsonLines(machine.stderr)).toEqual([
    {
      error: {
        reason: "REQUEST_INVALID",
        code: "INVALID_ARGUMENT",
        message: "the request breaks a rule",
        violations: [
          expect.objectContaining({ field: "messages[0].message.channel", description: "must be set" }),
        ],
        metadata: { outcome: "NOT_SENT" },
        retry_delay_ms: 1500,
        exit_code: 1,
      },
    },
  ]);
});

test("an unknown outcome is exit code 3, whether the service says so or the call broke off", async () => {
  const said = new ServiceError(Code.Unknown, "SEND_OUTCOME_UNKNOWN", "no answer", {
    metadata: { outcome: "UNKNOWN" },
  });
  await using fake = await FakeService.start({ send: () => said });
  expect((await cli(["send", "--target", fake.target, ...SMS])).exitCode).toBe(3);
  const broken = plainError({ code: Code.Unavailable, message: "Connection dropped" });
  await using breaking = await FakeService.start({ send: () => broken });
  const { exitCode, stderr } = await cli(["send", "--target", breaking.target, ...SMS]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain("may have been sent");
});

test("send --request-id names the call, also one of a file, and makes a call that broke off repeatable", async () => {
  await using fake = await FakeService.start({ send: () => ({ results: [sent("m-1")] }) });
  await cli(["send", "--target", fake.target, ...SMS, "--request-id", "order-1"]);
  const file = ["send", "--target", fake.target, "--file", "-"];
  await cli([...file, "--request-id", "order-2"], { stdin: '{"requestId":"of-file","messages":[]}' });
  await cli(file, { stdin: '{"requestId":"of-file","messages":[]}' });
  expect(fake.sends.map(({ requestId }) => requestId)).toEqual(["order-1", "order-2", "of-file"]);
  const broken = plainError({ code: Code.Unavailable, message: "Connection dropped" });
  await using breaking = await FakeService.start({ send: () => broken });
  const args = ["send", "--target", breaking.target, ...SMS];
  const named = await cli([...args, "--request-id", "order-1"]);
  expect(named.exitCode).toBe(3);
  expect(named.stderr).toContain("repeat it with the same --request-id to learn it");
  expect((await cli(args)).stderr).not.toContain("--request-id");
});

test("a service that cannot be reached is exit code 4", async () => {
  const fake = await FakeService.start({});
  await fake[Symbol.asyncDispose]();
  const { exitCode, stderr } = await cli(["send", "--target", fake.target, ...SMS]);
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(/^error UNAVAILABLE: /);
  expect(stderr).toContain("start the service (infobip-rpc serve), or give its gRPC address with --target");
});

test.each([
  [["--to", "1", "--text", "x"], "give --channel, --to and --text"],
  [["--file", "x.json", "--text", "x"], "give either --file or"],
  [["--channel", "smss", "--to", "1", "--text", "x"], "did you mean SMS?"],
])("wrong use %j is exit code 2 and sends nothing", async (args, message) => {
  await using fake = await FakeService.start({});
  const { exitCode, stderr } = await cli(["send", "--target", fake.target, ...args]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
  expect(fake.sends).toEqual([]);
});

test("a REST body given as --file is refused with the way out", async () => {
  await using fake = await FakeService.start({});
  const stdin = '{"messages":[{"channel":"SMS"}]}';
  const { exitCode, stderr } = await cli(["send", "--target", fake.target, "--file", "-"], { stdin });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("infobip-rpc translate");
  expect(stderr).toContain("messages[0].channel");
});

const report = (messageId: string, final: boolean, cursor: string) => ({
  id: cursor,
  cursor,
  type: EventType.DELIVERY_REPORT,
  channel: Channel.SMS,
  messageId,
  final,
  payload: {
    case: "deliveryReport" as const,
    value: { status: { groupName: final ? "DELIVERED" : "PENDING" } },
  },
});
const started = { frame: { case: "started" as const, value: { cursor: "c0", headCursor: "c0" } } };
const events = (...list: ReturnType<typeof report>[]) => ({
  frame: { case: "events" as const, value: { events: list } },
});

test("send --watch waits for the final report of everything that was sent, from before the send", async () => {
  await using fake = await FakeService.start({
    send: () => ({ results: [sent("m-1"), sent("m-2"), sent("m-3", SendOutcome.NOT_SENT)] }),
    streams: [
      { frames: [started], ending: "wait" },
      {
        frames: [
          started,
          events(report("m-1", false, "c1"), report("other", true, "c2")),
          events(report("m-2", true, "c3"), report("m-1", true, "c4")),
        ],
        ending: "wait",
      },
    ],
  });
  const { exitCode, stdout } = await cli(["send", "--target", fake.target, ...SMS, "--watch", "--json"]);
  expect(exitCode).toBe(1);
  expect(
    jsonLines(stdout)
      .map((line) => line.cursor)
      .filter(Boolean),
  ).toEqual(["c1", "c3", "c4"]);
  expect(fake.watches[1]).toMatchObject({
    from: { case: "cursor", value: "c0" },
    filter: { types: [EventType.DELIVERY_REPORT], messageIds: ["m-1", "m-2"] },
  });
});

test("send --watch names the messages without a final report, exit code 5", async () => {
  await using fake = await FakeService.start({
    send: () => ({ results: [sent("m-1"), sent("m-2")] }),
    streams: [{ frames: [started, events(report("m-1", true, "c1"))], ending: "wait" }],
  });
  const args = ["send", "--target", fake.target, ...SMS, "--watch", "--watch-timeout", "200ms"];
  const { exitCode, stderr } = await cli(args);
  expect(exitCode).toBe(5);
  expect(stderr).toBe("error REPORT_MISSING: no final report came in time for: m-2\n");
});

/** An error without any detail, as a proxy or a broken connection makes it. */
function plainError(error: { code: Code; message: string }): ServiceError {
  return Object.assign(Object.create(ServiceError.prototype) as ServiceError, error);
}
