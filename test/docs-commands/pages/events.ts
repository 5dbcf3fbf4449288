import type { ServiceRig } from "../../fixtures/service-rig.ts";
import type { PageEntries } from "../entry.ts";
import { givenService, sendOne } from "../given-service.ts";

/** The message that the page asks for. */
const MESSAGE_ID = "0197f1c0-6f7a-7cc3-98a1-0a3f5b0c2d11";
const DAY_MS = 86_400_000;

/** Reading events, at a service with one delivered message. */
export function eventsPage(): PageEntries {
  let rig: ServiceRig;
  return {
    page: "docs/events.md",
    given: async (sandbox) => {
      rig = await givenService(sandbox, MESSAGE_ID);
      return rig;
    },
    blocks: [
      {
        begins: `infobip-rpc message ${MESSAGE_ID}`,
        how: "run",
        prints: [/DELIVERED/, /"state":"MESSAGE_STATE_DELIVERED"/],
      },
      {
        begins: "infobip-rpc events --from 2026-05-04 --until 2026-05-05 --channel sms --final-only --json",
        how: "run",
        // A span with today in it; the page's has nothing to show.
        replace: () => ({ "2026-05-04": day(-1), "2026-05-05": day(1) }),
        prints: [/^\{.*"type":"EVENT_TYPE_DELIVERY_REPORT".*\}$/m, /^\{"cursor":"[^"]+".*\}$/m],
      },
      {
        begins: "cursor=$(curl -s http://127.0.0.1:8080/infobip.events.v1.EventsService/ListEvents \\",
        how: "endless",
        // The watch shows what comes after its cursor.
        meanwhile: () => sendOne(rig, crypto.randomUUID()),
        prints: [/ SMS +DELIVERED +final +385910000001 /],
        stops: "at once",
      },
    ],
  };
}

/** The date some days from today. */
function day(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
}
