import { ROLES, type Role } from "../roles.ts";
import { setting } from "./setting.ts";
import { parsed, splitList } from "./value-types.ts";

/** What this process does. */
export const ROLES_SETTING = {
  roles: setting(parsed(parseRoles), {
    default: ROLES.join(","),
    unit: "list of words",
    list: true,
    description:
      "What this process does: `send` (MessagesService and submissions), `events` (EventsService), `intake` (webhooks and polling). Fewer than all need `eventlog.url`, see roles.md.",
  }),
} as const;

/** Each role once, in their own order. */
function parseRoles(text: string): readonly Role[] {
  const named = splitList(text);
  const isKnown = (word: string): boolean => ROLES.some((role) => role === word);
  if (named.length === 0 || !named.every(isKnown))
    throw new Error(`must be a list of ${ROLES.join(", ")}, at least one of them`);
  return ROLES.filter((role) => named.includes(role));
}
