import { afterEach, expect, test } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { createLogger } from "../src/log.ts";
import { type CallersRig, startCallersRig, tokenFor } from "./callers-rig.ts";

const PHONE_KEY = "the-key-of-the-phone-hash";
const API_KEY = "4f1c-the-api-key-of-the-test";
const PHONES = ["41793026727", "41793026728", "385921234567", "447860099299"];
const TEXTS = ["a text for nobody else", "what somebody has answered", "wrong in every way"];
/** In the URL of the rig's webhooks. */
const WEBHOOK_SECRET = "a-secret-of-the-test-rig";

let rig: CallersRig;
afterEach(() => rig[Symbol.asyncDispose]());

/** A service that logs all there is to log, also what its sends and webhooks are about. */
async function start(lines: Record<string, unknown>[]): Promise<void> {
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  rig = await startCallersRig([{ name: "shop", scopes: ["send", "events"] }], {
    simulator: { credentials: [{ scheme: "App", key: API_KEY }] },
    flags: { "--upstream-api-key": API_KEY, "--log-phone-key": PHONE_KEY },
    log: createLogger({ level: "trace", format: "json", write }),
  });
}

function sms(to: string, text: string, messageId: string) {
  const destinations = [{ to, messageId }];
  const messages = [{ channel: "SMS", destinations, content: { body: { type: "TEXT", text } } }];
  return decodeRest(SendMessagesRequestSchema, { messages }).message;
}

async function settle(...calls: Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(calls);
}

const post = (route: string, body: string): Promise<Response> =>
  fetch(rig.webhookUrl(route), { method: "POST", headers: { "content-type": "application/json" }, body });

/** Good and bad calls, webhooks that can and cannot be read, and trouble with Infobip. */
async function doEverything(): Promise<void> {
  const [phone = "", other = "", third = "", sender = ""] = PHONES;
  const [text = "", answer = "", wrong = ""] = TEXTS;
  const { messages, events } = rig.as("shop");
  await messages.sendMessages(sms(phone, text, "m-1"));
  rig.simulator.injectFaults({ kind: "server-error", count: 1 });
  await settle(messages.sendMessages(sms(other, wrong, "m-2")));
  rig.simulator.injectFaults({ kind: "reset-after-body", count: 1 });
  await settle(messages.sendMessages(sms(third, wrong, "m-3")));
  await settle(
    messages.sendMessages({ ...sms(phone, wrong, "m 4"), messages: [] }),
    rig.withHeader(`Bearer ${tokenFor("stranger")}`).messages.sendMessages(sms(phone, text, "m-5")),
    rig.as("shop").events.getMessage({ messageId: phone }),
  );
  rig.simulator.receiveInbound({ channel: "SMS", sender, destination: "41790000000", text: answer });
  await rig.simulator.idle();
  await post("delivery", `{"results":[{"to":"${phone}","text":"${wrong}"`);
  await post("delivery", JSON.stringify({ results: [{ to: phone, text: wrong, status: "none" }] }));
  await fetch(`${rig.webhookUrl("delivery")}-of-a-stranger`, { method: "POST", body: `${phone} ${wrong}` });
  await settle(events.listEvents({}));
}

test("no phone number, text, key, token or secret is in any line, whatever happens", async () => {
  const lines: Record<string, unknown>[] = [];
  await start(lines);
  await doEverything();
  await rig.service.drain();
  const written = JSON.stringify(lines);
  const hidden = [
    ...PHONES,
    ...TEXTS,
    PHONE_KEY,
    API_KEY,
    WEBHOOK_SECRET,
    tokenFor("shop"),
    tokenFor("stranger"),
  ];
  expect(hidden.filter((secret) => written.includes(secret))).toEqual([]);
  const told = new Set(lines.map(({ msg }) => msg));
  for (const sentence of ["message sent", "event stored", "webhook refused", "message outcome unknown"]) {
    expect([...told]).toContain(sentence);
  }
});

test("a send and its report name the destination alike, with the caller and the outcome", async () => {
  const lines: Record<string, unknown>[] = [];
  await start(lines);
  await rig.as("shop").messages.sendMessages(sms(PHONES[0] ?? "", TEXTS[0] ?? "", "m-1"));
  await rig.simulator.idle();
  const sent = lines.find(({ msg }) => msg === "message sent");
  expect(sent).toMatchObject({ level: "info", component: "messages", messageId: "m-1", channel: "SMS" });
  expect(sent).toMatchObject({ caller: "shop", destination: expect.stringMatching(/^#[0-9a-f]{10}…27$/) });
  const stored = lines.filter(({ msg, messageId }) => msg === "event stored" && messageId === "m-1");
  expect(stored).not.toEqual([]);
  expect(new Set(stored.map(({ destination }) => destination))).toEqual(new Set([sent?.destination]));
});
