import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { cli, jsonLines } from "./cli-harness.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { eventsOf, traceOf } from "./fixtures/traced-message.ts";

const SMS = ["--channel", "sms", "--to", "41790000001", "--text", "Hello"];

test("send --traceparent puts the call into a trace, which its events show", async () => {
  await using rig = await startServiceRig();
  const target = ["--target", rig.addresses.grpc];
  const { header } = traceOf(1);
  const { stdout } = await cli(["send", ...target, ...SMS, "--traceparent", header, "--json"]);
  const [messageId = ""] = /"messageId": ?"([^"]+)"/.exec(stdout)?.slice(1) ?? [];
  await eventsOf(rig, messageId, [EventType.SEND_RESULT, EventType.DELIVERY_REPORT]);
  const events = jsonLines((await cli(["events", ...target, "--message-id", messageId, "--json"])).stdout);
  expect(events.length).toBeGreaterThan(1);
  expect(events).toEqual(events.map(() => expect.objectContaining({ traceParent: header })));
});

test("send --traceparent refuses what the service would ignore", async () => {
  const { exitCode, stderr } = await cli(["send", ...SMS, "--traceparent", "00-1-2-01"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("Give a traceparent such as 00-");
});
