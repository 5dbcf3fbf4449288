import type { PageEntries } from "../entry.ts";
import { givenService } from "../given-service.ts";

const PULL =
  /^\{"sessionId":"[^"]+","leaseExpireTime":"[^"]+","events":\[\{"event":\{"id":"[^"]+",.*\},"attempt":1\}\],"status":\{/m;

/** A subscription and its consumers, at a service with one delivered message. */
export const SUBSCRIPTIONS: PageEntries = {
  page: "docs/subscriptions.md",
  given: (sandbox) => givenService(sandbox),
  blocks: [
    {
      begins: "curl -s http://127.0.0.1:8080/infobip.events.v1.EventsService/CreateSubscription \\",
      how: "run",
      prints: [/"name":"subscriptions\/orders"/],
    },
    {
      begins: "S=http://127.0.0.1:8080/infobip.events.v1.EventsService",
      how: "run",
      prints: [/^\{.*\}$/m],
      writes: { "pulled.json": PULL },
    },
    {
      begins:
        '{ echo \'{"start": {"subscription": "subscriptions/orders", "clientId": "shell"}}\'; while sleep 10; do echo \'{"ping": {}}\'; done; } |',
      how: "endless",
      prints: [/"started"/],
      stops: "at once",
    },
    {
      begins:
        'curl -s $S/ListDeadLetters -H \'content-type: application/json\' -d \'{"parent": "subscriptions/orders", "includeRawBody": true}\'',
      how: "run",
      prints: [/^(\{.*?\}){2}$/],
    },
  ],
};
