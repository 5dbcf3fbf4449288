import type { PlatformIds } from "./accepted-message.ts";
import { type Answer, errorAnswer, type PropertyViolation } from "./api-errors.ts";
import type { CallbackItem } from "./callback-bodies.ts";
import { DEFAULT_PULL_LIMIT, MAX_PULL_LIMIT } from "./limits.ts";
import type { SimulatorState } from "./state.ts";

const OUTBOUND_CHANNELS: ReadonlySet<string> = new Set([
  "APPLE_MB",
  "INSTAGRAM_DM",
  "LINE_ON",
  "MESSENGER",
  "MMS",
  "RCS",
  "SMS",
  "VIBER_BM",
  "VIBER_BOT",
  "WHATSAPP",
]);
const FETCHED_INBOUND_CHANNELS: ReadonlySet<string> = new Set([
  "APPLE_MB",
  "MESSENGER",
  "MMS",
  "SMS",
  "VIBER_BM",
  "WHATSAPP",
]);
const ITEM_FILTERS = ["channel", "bulkId", "messageId", "campaignReferenceId"] as const;
const PLATFORM_FILTERS = ["entityId", "applicationId"] as const;

/** GET /messages-api/1/reports: hands out each report that went to no webhook once. */
export function answerReports(query: URLSearchParams, state: SimulatorState): Answer {
  const violations = channelViolations(query, OUTBOUND_CHANNELS, false);
  const limit = readLimit(query, violations);
  if (violations.length > 0) return errorAnswer(400, { style: state.options.errorStyle, violations });
  const results = state.reports.take(limit, filterOf(query));
  return { status: 200, body: JSON.stringify({ results }) };
}

/** GET /messages-api/1/inbound: hands out each message that went to no webhook once. */
export function answerInbound(query: URLSearchParams, state: SimulatorState): Answer {
  const violations = channelViolations(query, FETCHED_INBOUND_CHANNELS, true);
  const limit = readLimit(query, violations);
  if (violations.length > 0) return errorAnswer(400, { style: state.options.errorStyle, violations });
  const matches = filterOf(query);
  const results = state.inbound.take(limit, matches);
  const pendingMessageCount = state.inbound.count(matches);
  return {
    status: 200,
    body: JSON.stringify({ results, messageCount: results.length, pendingMessageCount }),
  };
}

function channelViolations(
  query: URLSearchParams,
  channels: ReadonlySet<string>,
  required: boolean,
): PropertyViolation[] {
  const channel = query.get("channel");
  if (channel === null) return required ? [{ property: "channel", violation: "value is required" }] : [];
  return channels.has(channel) ? [] : [{ property: "channel", violation: "invalid value" }];
}

function readLimit(query: URLSearchParams, violations: PropertyViolation[]): number {
  const text = query.get("limit");
  if (text === null) return DEFAULT_PULL_LIMIT;
  const limit = /^\d{1,9}$/u.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_PULL_LIMIT) {
    violations.push({ property: "limit", violation: `must be between 1 and ${MAX_PULL_LIMIT}` });
  }
  return limit;
}

function filterOf(query: URLSearchParams): (item: CallbackItem) => boolean {
  const wanted = ITEM_FILTERS.filter((name) => query.has(name));
  const wantedIds = PLATFORM_FILTERS.filter((name) => query.has(name));
  return (item) => {
    const platform = item.platform as PlatformIds | undefined;
    return (
      wanted.every((name) => item[name] === query.get(name)) &&
      wantedIds.every((name) => platform?.[name] === query.get(name))
    );
  };
}
