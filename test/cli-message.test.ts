import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { MessageState } from "../gen/infobip/events/v1/history_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { FakeService } from "./cli-fake-service.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const common = {
  channel: Channel.SMS,
  messageId: "m",
  destination: "41790000001",
  recordTime: timestampFromMs(Date.UTC(2026, 4, 4, 9, 30, 1)),
};
const delivered = {
  ...common,
  id: "e-1",
  type: EventType.DELIVERY_REPORT,
  final: true,
  payload: { case: "deliveryReport" as const, value: { status: { groupId: 3, id: 5 } } },
};
const lateSend = (outcome: SendOutcome, name: string) => ({
  ...common,
  id: "e-2",
  type: EventType.SEND_RESULT,
  superseded: true,
  payload: { case: "sendResult" as const, value: { outcome, status: { name } } },
});
const standing = {
  messageId: "m",
  state: MessageState.DELIVERED,
  final: true,
  statusEvent: delivered,
};

test("shows the state, and the timeline with what came late", async () => {
  const timeline = [delivered, lateSend(SendOutcome.SENT, "MESSAGE_ACCEPTED")];
  await using fake = await FakeService.start({ message: () => ({ ...standing, timeline }) });
  const { exitCode, stdout } = await cli(["message", "m", "--target", fake.target]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^m: DELIVERED, final\n\ntime.*\n2026-05-04 09:30:01 +SMS +DELIVERED +final +41790000001 +m\n.* SENT +late +41790000001 +m\n$/,
  );
  expect(fake.lookUps).toMatchObject([{ messageId: "m", pageSize: 100 }]);
});

test("a send that was refused shows why", async () => {
  const timeline = [lateSend(SendOutcome.NOT_SENT, "REJECTED_NOT_ENOUGH_CREDITS")];
  await using fake = await FakeService.start({ message: () => ({ messageId: "m", timeline }) });
  const { stdout } = await cli(["message", "m", "--target", fake.target]);
  expect(stdout).toMatch(/^m: no status\n/);
  expect(stdout).toMatch(/NOT_SENT +late .*m {2}REJECTED_NOT_ENOUGH_CREDITS\n$/);
});

test("--json gives the state as the first line and an event a line after it, over all pages", async () => {
  await using fake = await FakeService.start({
    message: ({ pageToken }) =>
      pageToken === ""
        ? { ...standing, timeline: [delivered], nextPageToken: "t" }
        : { ...standing, timeline: [lateSend(SendOutcome.SENT, "x")] },
  });
  const { stdout } = await cli(["message", "m", "--target", fake.target, "--json", "--raw"]);
  const [first, ...events] = jsonLines(stdout);
  expect(first).toMatchObject({ messageId: "m", state: "MESSAGE_STATE_DELIVERED", final: true });
  expect(first).not.toHaveProperty("timeline");
  expect(first).not.toHaveProperty("nextPageToken");
  expect(events.map(({ id }) => id)).toEqual(["e-1", "e-2"]);
  expect(fake.lookUps.map(({ pageToken, includeRawBody }) => [pageToken, includeRawBody])).toEqual([
    ["", true],
    ["t", true],
  ]);
});

test("--max ends the timeline and says so", async () => {
  await using fake = await FakeService.start({
    message: () => ({ ...standing, timeline: [delivered], nextPageToken: "t" }),
  });
  const { stdout, stderr } = await cli(["message", "m", "--target", fake.target, "--max", "1", "--json"]);
  expect(jsonLines(stdout)).toHaveLength(2);
  expect(stderr).toContain("--max");
});

test("a message that is not known is exit code 1 with its reason", async () => {
  const error = new ServiceError(Code.NotFound, "MESSAGE_UNKNOWN", "no event is kept");
  await using fake = await FakeService.start({ message: () => error });
  const { exitCode, stdout, stderr } = await cli(["message", "m", "--target", fake.target]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toBe("error NOT_FOUND MESSAGE_UNKNOWN: no event is kept\n");
});

test("without an id it is wrong use", async () => {
  expect((await cli(["message"])).exitCode).toBe(2);
});
