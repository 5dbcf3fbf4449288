import { SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { MessageIdCounts } from "../../src/simulator/ledger.ts";
import { type Violation, Violations } from "../history/violation.ts";
import type { CallStory } from "./call-story.ts";
import type { Post } from "./upstream.ts";

/** What is left of all calls with a request id, seen from outside. */
export interface CallHistory {
  readonly stories: readonly CallStory[];
  readonly posts: readonly Post[];
  readonly counts: (messageId: string) => MessageIdCounts;
  readonly acceptedTo: (address: string) => number;
}

/** Checks calls that were repeated until each had its answer. */
export function checkCalls({ stories, posts, counts, acceptedTo }: CallHistory): readonly Violation[] {
  const violations = new Violations();
  const postsTo = Map.groupBy(posts, ({ to }) => to);
  for (const { request, addresses, answer } of stories) {
    const add = (text: string) => violations.add("call", `${request.requestId}: ${text}`);
    if (answer === undefined) add("it has no answer");
    addresses.forEach((to, index) => {
      const result = answer?.results[index];
      if (acceptedTo(to) > 1) add("it was sent twice");
      if ((postsTo.get(to) ?? []).some(({ messageId }) => messageId !== result?.messageId))
        add(`${to} got another message id than the answer says`);
      const expected =
        counts(result?.messageId ?? "").accepted === 1 ? SendOutcome.SENT : SendOutcome.NOT_SENT;
      if (result?.outcome !== expected)
        add(`${SendOutcome[expected]}, and the result is ${SendOutcome[result?.outcome ?? 0]}`);
    });
  }
  return violations.found;
}
