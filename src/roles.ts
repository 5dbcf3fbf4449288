/** What a process does. */
export const ROLES = ["send", "events", "intake"] as const;

/**
 * - `send`: MessagesService, and submissions.
 * - `events`: EventsService: history, streams and subscriptions.
 * - `intake`: webhooks and polling.
 */
export type Role = (typeof ROLES)[number];
