import { Code } from "@connectrpc/connect";
import type { MessageDestination, ToDestination } from "../../gen/infobip/messages/v1/destination_pb.js";
import type { SendEventsRequest } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError, type Violation } from "../errors.ts";
import { messageOf } from "./message-of.ts";

/**
 * Most destinations in one request, over all its messages or events. A request
 * is handled in one go on one thread, so this bounds how long others wait.
 */
export const MAX_DESTINATIONS = 10_000;
/** Most violations that one error lists. */
const MAX_VIOLATIONS = 100;
/** Most repeated message ids that are listed. */
const MAX_REPEATED_IDS = 20;

/** A message or event as these rules see it: where it stands and where each of its message ids stands. */
interface Part {
  readonly field: string;
  readonly destinations: readonly (readonly IdPlace[])[];
}

/** A message id and the path of its field within the destination. */
interface IdPlace {
  readonly field: string;
  readonly id: string | undefined;
}

const MESSAGE_FIELDS = { message: "message", templateMessage: "template_message" } as const;
const EVENT_FIELDS = {
  typingStarted: "typing_started",
  typingStopped: "typing_stopped",
  seen: "seen",
} as const;

/**
 * The rules that span a whole request, which proto rules cannot tell cheaply:
 * at most {@link MAX_DESTINATIONS}, and no message id twice. One destination
 * may use the same id for several channels, since it is one message.
 */
export function messageRuleViolations(request: SendMessagesRequest): Violation[] {
  if (hasOneDestination(request)) return [];
  return violationsOf(
    request.messages.map((base, index) => ({
      field: `messages[${index}].${base.kind.case === undefined ? "" : MESSAGE_FIELDS[base.kind.case]}`,
      destinations: (messageOf(base)?.destinations ?? []).map(idsOf),
    })),
  );
}

/** The common case, which can break none of these rules. */
function hasOneDestination({ messages: [first, second] }: SendMessagesRequest): boolean {
  return second === undefined && first?.kind.value?.destinations.length === 1;
}

/** As {@link messageRuleViolations}, for events. */
export function eventRuleViolations(request: SendEventsRequest): Violation[] {
  return violationsOf(
    request.events.map(({ event }, index) => ({
      field: `events[${index}].${event.case === undefined ? "" : EVENT_FIELDS[event.case]}`,
      destinations: (event.value?.destinations ?? []).map(idOf),
    })),
  );
}

/** Throws {@link brokenRules} when there are violations. */
export function refuseViolations(violations: readonly Violation[]): void {
  if (violations.length > 0) throw brokenRules(violations);
}

/** INVALID_ARGUMENT REQUEST_INVALID for a request that breaks rules; its text names the first. */
export function brokenRules(violations: readonly Violation[]): ServiceError {
  const { field = "", description = "" } = violations[0] ?? {};
  const others = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  const where = field === "" ? "" : `${field}: `;
  return new ServiceError(
    Code.InvalidArgument,
    "REQUEST_INVALID",
    `the request breaks a rule${others}: ${where}${description}`,
    { violations: violations.slice(0, MAX_VIOLATIONS), metadata: { outcome: "NOT_SENT" } },
  );
}

function violationsOf(parts: readonly Part[]): Violation[] {
  return tooManyDestinations(parts) ?? repeatedIds(parts);
}

function tooManyDestinations(parts: readonly Part[]): Violation[] | undefined {
  let count = 0;
  for (const part of parts) {
    count += part.destinations.length;
    if (count <= MAX_DESTINATIONS) continue;
    return [
      {
        field: `${part.field}.destinations`,
        description: `the request must have at most ${MAX_DESTINATIONS} destinations in all; split it into several`,
        reason: "max_destinations",
      },
    ];
  }
  return undefined;
}

function repeatedIds(parts: readonly Part[]): Violation[] {
  const seen = new Set<string>();
  const violations: Violation[] = [];
  for (const [field, places] of parts.flatMap(destinationsOf)) {
    const repeated = places.find(({ id }) => id && seen.has(id));
    for (const { id } of places) if (id) seen.add(id);
    if (repeated && violations.length < MAX_REPEATED_IDS)
      violations.push(repeatedId(`${field}.${repeated.field}`));
  }
  return violations;
}

function destinationsOf(part: Part): [field: string, places: readonly IdPlace[]][] {
  return part.destinations.map((places, index) => [`${part.field}.destinations[${index}]`, places]);
}

function repeatedId(field: string): Violation {
  return {
    field,
    description: "must be unique within the request; give each destination a message id of its own, or none",
    reason: "message_id_unique",
  };
}

function idsOf({ kind }: MessageDestination): readonly IdPlace[] {
  if (kind.case === "toDestination") {
    return [{ field: "to_destination.message_id", id: kind.value.messageId }];
  }
  if (kind.case !== "channelsDestination") return [];
  // An id beside the list overrides those inside it.
  if (kind.value.messageId) {
    return [{ field: "channels_destination.message_id", id: kind.value.messageId }];
  }
  return kind.value.byChannel.map((entry, index) => ({
    field: `channels_destination.by_channel[${index}].message_id`,
    id: entry.messageId,
  }));
}

function idOf(destination: ToDestination): readonly IdPlace[] {
  return [{ field: "message_id", id: destination.messageId }];
}
