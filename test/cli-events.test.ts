import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { FakeService } from "./cli-fake-service.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const event = (n: number) => ({
  id: `e-${n}`,
  cursor: `c${n}`,
  type: EventType.CLICK,
  channel: Channel.SMS,
  messageId: `m-${n}`,
  destination: "41790000001",
  recordTime: timestampFromMs(Date.UTC(2026, 4, 4, 9, 30, 1)),
  payload: { case: "click" as const, value: { url: "https://example.com/a\u001B[2J" } },
  rawBody: Buffer.from('{"a":1}'),
});

/** Three pages: two events, none, one. */
const threePages = {
  list: ({ pageToken }: { pageToken: string }) =>
    ({
      "": { events: [event(1), event(2)], nextPageToken: "t1", cursor: "c2" },
      t1: { events: [], nextPageToken: "t2", cursor: "c5" },
      t2: { events: [event(6)], nextPageToken: "", cursor: "c6" },
    })[pageToken] ?? {},
};

test("lists every page, empty ones in between included, an event a line", async () => {
  await using fake = await FakeService.start(threePages);
  const { exitCode, stdout } = await cli(["events", "--target", fake.target, "--json"]);
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout).map(({ id }) => id)).toEqual(["e-1", "e-2", "e-6"]);
  expect(fake.lists.map(({ pageToken }) => pageToken)).toEqual(["", "t1", "t2"]);
  expect(fake.lists[0]?.from.case).toBeUndefined();
});

test("text for people shows date, event and what was clicked, harmless to the terminal", async () => {
  await using fake = await FakeService.start({ list: () => ({ events: [event(1)] }) });
  const { stdout } = await cli(["events", "--target", fake.target, "--raw"]);
  expect(stdout).toMatch(
    /^time \(UTC\).*\n2026-05-04 09:30:01 +SMS +CLICK +41790000001 +m-1 {2}https:\/\/example.com\/a\\x1b\[2J\n {2}\{"a":1\}\n$/,
  );
  expect(fake.lists[0]?.includeRawBody).toBe(true);
});

test("--max stops after that many events and says where to go on", async () => {
  await using fake = await FakeService.start(threePages);
  const { stdout, stderr } = await cli(["events", "--target", fake.target, "--max", "2", "--json"]);
  expect(jsonLines(stdout)).toHaveLength(2);
  expect(fake.lists.map(({ pageSize }) => pageSize)).toEqual([2]);
  expect(stderr).toContain("--from c2");
});

test("position and filter flags reach the request, on every page", async () => {
  await using fake = await FakeService.start(threePages);
  const args = ["--from", "2026-05-04T09:30:00Z", "--until", "2026-05-05", "--type", "click,send_result"];
  const { exitCode } = await cli(["events", "--target", fake.target, ...args, "--message-id", "m,1"]);
  expect(exitCode).toBe(0);
  expect(fake.lists).toHaveLength(3);
  for (const request of fake.lists) {
    expect(request).toMatchObject({
      from: { case: "startTime", value: { seconds: 1777887000n } },
      endTime: { seconds: 1777939200n },
      filter: { types: [EventType.CLICK, EventType.SEND_RESULT], messageIds: ["m,1"] },
      pageSize: 1000,
    });
  }
  await cli(["events", "--target", fake.target, "--from", "some-cursor"]);
  expect(fake.lists.at(-1)?.from).toEqual({ case: "cursor", value: "some-cursor" });
});

test.each([
  [["--from", "latest"], "--from latest lists nothing"],
  [["--until", "soon"], "Give a time such as"],
  [["--type", "klick"], "did you mean CLICK?"],
])("wrong use %j is told with exit code 2", async (args, message) => {
  const { exitCode, stderr } = await cli(["events", ...args]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

test("a submission's change shows its state, its name and why it failed", async () => {
  const change = { submission: "submissions/order-7", state: SubmissionState.QUEUED, attempts: 1 };
  const submission = (value: typeof change & { errorReason?: string }) => ({
    ...event(1),
    type: EventType.SUBMISSION,
    channel: Channel.UNSPECIFIED,
    messageId: "",
    destination: "",
    rawBody: undefined,
    payload: { case: "submission" as const, value },
  });
  const events = [
    submission(change),
    submission({ ...change, state: SubmissionState.OUTCOME_UNKNOWN, errorReason: "SEND_OUTCOME_UNKNOWN" }),
  ];
  await using fake = await FakeService.start({ list: () => ({ events }) });
  const { stdout } = await cli(["events", "--target", fake.target, "--type", "submission"]);
  const [, first, second] = stdout.split("\n");
  expect(first).toMatch(/ QUEUED +submissions\/order-7$/);
  expect(second).toMatch(/ OUTCOME_UNKNOWN +submissions\/order-7 {2}SEND_OUTCOME_UNKNOWN$/);
  expect(fake.lists[0]?.filter?.types).toEqual([EventType.SUBMISSION]);
});
