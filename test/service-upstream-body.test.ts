import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type DescMessage, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { readRestFixture } from "./fixtures/rest-roots.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

/** Infobip's published bodies: beside the checkout, not part of it. */
const EXAMPLES = new URL("../../shared/contract/examples/", import.meta.url);

interface Body {
  messages?: { destinations: Destination[] }[];
  events?: { destinations: Destination[] }[];
}
interface Destination {
  messageId?: string;
  byChannel?: { messageId?: string }[];
}

let rig: ServiceRig;
beforeAll(async () => {
  rig = await startServiceRig({ publicUrl: false, simulator: { refuseDuplicates: false } });
});
afterAll(() => rig[Symbol.asyncDispose]());

function published(folder: string): (readonly [string, unknown])[] {
  const url = new URL(`${folder}/`, EXAMPLES);
  if (!existsSync(url)) return [];
  return readdirSync(url).map(
    (file) => [file, JSON.parse(readFileSync(new URL(file, url), "utf8"))] as const,
  );
}

/** A body without the message ids that were filled in where the caller gave none. */
function withoutFilledIds(sent: Body, given: Body): Body {
  for (const kind of ["messages", "events"] as const) {
    sent[kind]?.forEach((message, m) => {
      message.destinations.forEach((destination, d) => {
        const original = given[kind]?.[m]?.destinations[d];
        if (original?.messageId !== undefined || original?.byChannel?.some((entry) => entry.messageId))
          return;
        expect(destination.messageId).toMatch(/^[0-9a-f-]{36}$/);
        delete destination.messageId;
      });
    });
  }
  return sent;
}

function translate(schema: DescMessage, body: unknown): unknown {
  return toJson(schema, decodeRest(schema, body).message);
}

async function call(method: string, request: unknown): Promise<unknown> {
  const response = await fetch(`http://${rig.addresses.http}/infobip.messages.v1.MessagesService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  expect(response.status, await response.clone().text()).toBe(200);
  return response.json();
}

const sends = [
  ...["send-bodies", "send-payments", "send-content", "send-options", "send-templates"].map(
    (file) => [file, readRestFixture(file)] as const,
  ),
  ...published("send"),
];
const events = [["events", readRestFixture("events")] as const, ...published("events")];

describe("a translated body reaches Infobip as it was", () => {
  it.each(sends)("SendMessages %s", async (_name, body) => {
    await call("SendMessages", translate(SendMessagesRequestSchema, body));
    const sent = JSON.parse(rig.simulator.requests().at(-1)?.body ?? "") as Body;
    expect(withoutFilledIds(sent, body as Body)).toStrictEqual(body);
  });

  it.each(events)("SendEvents %s", async (_name, body) => {
    await call("SendEvents", translate(SendEventsRequestSchema, body));
    const sent = JSON.parse(rig.simulator.requests().at(-1)?.body ?? "") as Body;
    expect(withoutFilledIds(sent, body as Body)).toStrictEqual(body);
  });
});
