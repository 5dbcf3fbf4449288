import type { PageEntries } from "./entry.ts";
import { EVENT_LOG } from "./pages/event-log.ts";
import { eventsPage } from "./pages/events.ts";
import { README } from "./pages/readme.ts";
import { SECURE_SIDECAR } from "./pages/secure-sidecar.ts";
import { CLIENT, DEPLOYMENT, METRICS, OPERATIONS, SENDING, SIMULATOR } from "./pages/small-pages.ts";
import { SUBSCRIPTIONS } from "./pages/subscriptions.ts";
import { TRACING } from "./pages/tracing.ts";

/** Pages that lead a newcomer to a first message. */
export const FIRST_CALL: readonly PageEntries[] = [SECURE_SIDECAR, README];

/** Pages about a service that runs. */
export const FURTHER: readonly PageEntries[] = [
  eventsPage(),
  SUBSCRIPTIONS,
  SENDING,
  SIMULATOR,
  CLIENT,
  DEPLOYMENT,
  EVENT_LOG,
  TRACING,
  METRICS,
  OPERATIONS,
];

/** Every page with commands. */
export const PAGES: readonly PageEntries[] = [...FIRST_CALL, ...FURTHER];
