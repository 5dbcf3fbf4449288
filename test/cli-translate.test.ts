import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, jsonLines } from "./cli-harness.ts";

const status = { groupId: 3, groupName: "DELIVERED", id: 5, name: "DELIVERED_TO_HANDSET", description: "x" };
const BODIES: Record<string, object> = {
  send: {
    messages: [
      {
        channel: "WHATSAPP",
        sender: "447491163862",
        destinations: [{ to: "41790000000", messageId: "m-1" }],
        template: { templateName: "hello", language: "en" },
        content: { body: { type: "TEXT", "1": "Ana" } },
        options: { validityPeriod: { amount: 30, timeUnit: "MINUTES" } },
      },
    ],
    options: { schedule: { sendAt: "2026-12-04T09:30:00.000+0000" } },
  },
  events: {
    events: [{ event: "TYPING_STARTED", channel: "WHATSAPP", sender: "1", destinations: [{ to: "2" }] }],
  },
  delivery: {
    results: [
      {
        event: "DELIVERY",
        channel: "SMS",
        destination: "2",
        messageId: "m-1",
        messageCount: 1,
        status,
        error: { id: 0 },
      },
    ],
  },
  seen: {
    results: [
      {
        event: "SEEN",
        channel: "RCS",
        destination: "2",
        messageId: "m-1",
        seenAt: "2026-05-04T09:30:00.000+0000",
      },
    ],
  },
  inbound: {
    results: [
      {
        event: "MO",
        channel: "SMS",
        sender: "2",
        destination: "1",
        content: [{ type: "TEXT", text: "Hi" }],
        messageId: "i-1",
      },
    ],
  },
  click: {
    notificationType: "CLICKED",
    recipient: "2",
    url: "https://shop.example/parcel",
    sendDateTime: 1777887000000,
    messageId: "m-1",
    recipientInfo: { deviceType: "Phone" },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-translate-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(Object.keys(BODIES))("%s bodies survive the way there and back", async (type) => {
  const there = await cli(["translate", "--type", type, "--json"], { stdin: JSON.stringify(BODIES[type]) });
  expect(there).toMatchObject({ exitCode: 0, stderr: "" });
  expect(there.stdout).toMatch(/^\{.*\}\n$/);
  expect(JSON.parse(there.stdout)).not.toEqual(BODIES[type]);
  const back = await cli(["translate", "--type", type, "--reverse"], { stdin: there.stdout });
  expect(back).toMatchObject({ exitCode: 0, stderr: "" });
  expect(JSON.parse(back.stdout)).toEqual(BODIES[type]);
  expect(back.stdout).toContain("\n  ");
});

test("the body can come from a file, with a byte order mark", async () => {
  const file = join(folder, "body.json");
  await writeFile(file, `\uFEFF${JSON.stringify(BODIES.events)}`);
  const { exitCode, stdout } = await cli(["translate", "--type", "events", file]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ events: [{ typingStarted: { channel: "CHANNEL_WHATSAPP" } }] });
});

describe("unknown members", () => {
  const rest = JSON.stringify({ messages: [{ ...firstMessage(), colour: "red" }], speed: 1 });
  const rpc = '{"messages":[{"message":{"channel":"CHANNEL_SMS","colour":"red"}}]}';

  test("of a REST body are errors that name the property", async () => {
    const { exitCode, stdout, stderr } = await cli(["translate", "--json"], { stdin: rest });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    const [line] = jsonLines(stderr) as { error: { reason: string; violations: { field: string }[] } }[];
    expect(line?.error.reason).toBe("UNTRANSLATABLE");
    expect(line?.error.violations.map(({ field }) => field).sort()).toEqual(["messages[0].colour", "speed"]);
  });

  test("are left out and listed with --ignore-unknown", async () => {
    const { exitCode, stdout, stderr } = await cli(["translate", "--ignore-unknown"], { stdin: rest });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("red");
    expect(stderr).toMatch(/ignored messages\[0\]\.colour: /);
    expect(stderr).toMatch(/ignored speed: /);
  });

  test("of an RPC body likewise", async () => {
    const failed = await cli(["translate", "--reverse"], { stdin: rpc });
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("messages[0].message.colour");
    const ignored = await cli(["translate", "--reverse", "--ignore-unknown"], { stdin: rpc });
    expect(ignored).toMatchObject({
      exitCode: 0,
      stderr: "ignored messages[0].message.colour: the RPC has no such field\n",
    });
    expect(JSON.parse(ignored.stdout)).toEqual({ messages: [{ channel: "SMS" }] });
  });
});

test("a value of the wrong kind is an error even with --ignore-unknown", async () => {
  const stdin = JSON.stringify({ messages: [{ ...firstMessage(), channel: "PIGEON" }] });
  const there = await cli(["translate", "--ignore-unknown"], { stdin });
  expect(there).toMatchObject({ exitCode: 1, stdout: "" });
  expect(there.stderr).toContain("messages[0].channel");
  const back = await cli(["translate", "--reverse", "--ignore-unknown"], { stdin: '{"messages":3}' });
  expect(back).toMatchObject({ exitCode: 1, stdout: "" });
});

describe("what Infobip writes", () => {
  test("may hold what this version does not know: it is noted, and kept where there is a place for it", async () => {
    const results = [
      {
        event: "MO",
        channel: "PIGEON",
        content: [{ type: "SMELL", rose: 1 }],
        colour: "red",
        messageCount: "x",
      },
      { event: "DANCE", step: "left" },
    ];
    const { exitCode, stdout, stderr } = await cli(["translate", "--type", "inbound"], {
      stdin: JSON.stringify({ results, pendingMessageCount: 3 }),
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      pendingMessageCount: 3,
      results: [
        { mo: { unrecognizedChannel: "PIGEON", content: [{ unrecognized: { type: "SMELL", rose: 1 } }] } },
        { unrecognized: { event: "DANCE", step: "left" } },
      ],
    });
    expect(stderr).toMatch(/^not recognised results\[0\]\.channel: expected one of /m);
    expect(stderr).toMatch(/^not recognised results\[0\]\.content\[0\]\.type: /m);
    expect(stderr).toMatch(/^not recognised results\[1\]\.event: /m);
    expect(stderr).toMatch(/^ignored results\[0\]\.colour: /m);
  });

  test.each(["delivery", "seen", "inbound"])("of type %s must still be an object", async (type) => {
    const { exitCode, stderr } = await cli(["translate", "--type", type], { stdin: "[]" });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("expected an object");
  });

  test("is read strictly on the way back", async () => {
    const stdin = '{"results":[{"sms":{"colour":"red"}}]}';
    const { exitCode, stdout } = await cli(["translate", "--type", "seen", "--reverse"], { stdin });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  });
});

test.each([
  ["99", "number"],
  ['"CHANNEL_PIGEON"', "name"],
])("an unknown enum value, %s, is an error with --reverse", async (channel) => {
  const stdin = `{"messages":[{"message":{"channel":${channel}}}]}`;
  for (const flags of [[], ["--ignore-unknown"]]) {
    const { exitCode, stdout, stderr } = await cli(["translate", "--reverse", ...flags], { stdin });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("messages[0].message.channel");
  }
  const known = await cli(["translate", "--reverse"], { stdin: '{"messages":[{"message":{"channel":7}}]}' });
  expect(known).toMatchObject({ exitCode: 0, stderr: "" });
});

test.each([
  ["send", "messages[0].content.body.text", '{"messages":[{"content":{"body":{"text":"\\ud83d"}}}]}'],
  ["inbound", "results[0].message", '{"results":[{"message":"\\udc00x"}]}'],
  ["send", "(body)", '"\\ud83d"'],
])("half a surrogate pair in a %s body is an error that names %s", async (type, property, stdin) => {
  for (const flags of [["--ignore-unknown"], ["--reverse", "--ignore-unknown"]]) {
    const { exitCode, stdout, stderr } = await cli(["translate", "--json", "--type", type, ...flags], {
      stdin,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    const [line] = jsonLines(stderr) as { error: { violations: object[] } }[];
    expect(line?.error.violations[0]).toEqual({
      field: property,
      description: "holds half a surrogate pair, which UTF-8 cannot express",
    });
  }
});

test.each([
  ["no JSON", { stdin: "{" }, [], 1, "INPUT_NO_JSON"],
  ["too large", { stdin: " ".repeat(16 * 1024 * 1024 + 1) }, [], 1, "INPUT_TOO_LARGE"],
  ["no such file", {}, ["/nowhere/body.json"], 2, "INPUT_UNREADABLE"],
])("input that is %s has its reason and exit code", async (_, input, args, exitCode, reason) => {
  const result = await cli(["translate", "--json", ...args], input);
  expect(result).toMatchObject({ exitCode, stdout: "" });
  expect(jsonLines(result.stderr)).toEqual([
    { error: expect.objectContaining({ reason, exit_code: exitCode }) },
  ]);
});

function firstMessage(): object {
  return (BODIES.send as { messages: object[] }).messages[0] ?? {};
}
