import { type Event, EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { Submission, SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { CrashChild } from "./crash-child.ts";
import { connectEvents } from "./events-client.ts";
import type { MessagesClient } from "./messages-client.ts";

/** All submissions in some states, newest first; no states: all. */
export async function listSubmissions(
  { messages }: MessagesClient,
  states: SubmissionState[],
): Promise<Submission[]> {
  const all: Submission[] = [];
  let pageToken = "";
  do {
    const page = await messages.listSubmissions({ pageToken, pageSize: 1_000, states });
    all.push(...page.submissions);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return all;
}

/** All events of submissions, in the order of the log. */
export async function listSubmissionEvents(child: CrashChild): Promise<Event[]> {
  using client = connectEvents(child.grpc);
  const all: Event[] = [];
  let pageToken = "";
  do {
    const page = await client.events.listEvents({
      pageToken,
      pageSize: 1_000,
      filter: { types: [EventType.SUBMISSION] },
    });
    all.push(...page.events);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return all;
}
