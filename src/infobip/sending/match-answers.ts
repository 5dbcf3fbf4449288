import type {
  MessageResponse,
  MessageResponseDetails,
} from "../../../gen/infobip/messages/v1/response_pb.js";

type Answers = readonly (MessageResponseDetails | undefined)[];

/**
 * Finds the answers to the jobs of one request: a list for each job, in the
 * order of its message ids. An answer belongs to the destination with its
 * message id, if only in other upper and lower case; where no id fits and
 * Infobip answered for as many destinations as the whole request has, to the
 * destination at its place, unless its id is another one's. Ids are unique
 * within a request; of several answers with one id the first counts.
 */
export function matchAnswers(response: MessageResponse, jobs: readonly (readonly string[])[]): Answers[] {
  const { messages } = response;
  return isInOrder(messages, jobs) ? cut(messages, jobs) : cut(byIdOrPlace(messages, jobs.flat()), jobs);
}

/** Whether the answers stand just as the ids do, which is the rule. */
function isInOrder(
  messages: readonly MessageResponseDetails[],
  jobs: readonly (readonly string[])[],
): boolean {
  let place = 0;
  for (const ids of jobs) {
    for (const id of ids) {
      if (id === "" || messages[place]?.messageId !== id) return false;
      place++;
    }
  }
  return place === messages.length;
}

function byIdOrPlace(messages: readonly MessageResponseDetails[], ids: readonly string[]): Answers {
  const byId = firstByKey(messages, (id) => id);
  const byAnyCase = firstByKey(messages, foldCase);
  const isByPlace = messages.length === ids.length;
  const own = new Set(ids);
  const ownInAnyCase = new Set(ids.map(foldCase));
  const anotherCase = (id: string): MessageResponseDetails | undefined => {
    const answer = byAnyCase.get(foldCase(id));
    return answer && own.has(answer.messageId ?? "") ? undefined : answer;
  };
  const strangerAt = (place: number): MessageResponseDetails | undefined => {
    const answer = isByPlace ? messages[place] : undefined;
    return answer?.messageId && ownInAnyCase.has(foldCase(answer.messageId)) ? undefined : answer;
  };
  return ids.map((id, place) => byId.get(id) ?? anotherCase(id) ?? strangerAt(place));
}

function firstByKey(
  messages: readonly MessageResponseDetails[],
  keyOf: (id: string) => string,
): Map<string, MessageResponseDetails> {
  const found = new Map<string, MessageResponseDetails>();
  for (const answer of messages) {
    const key = answer.messageId && keyOf(answer.messageId);
    if (key && !found.has(key)) found.set(key, answer);
  }
  return found;
}

function foldCase(id: string): string {
  return id.toLowerCase();
}

function cut(answers: Answers, jobs: readonly (readonly string[])[]): Answers[] {
  if (jobs.length === 1) return [answers];
  let place = 0;
  return jobs.map((ids) => {
    const from = place;
    place += ids.length;
    return answers.slice(from, place);
  });
}
