import type { PageEntries } from "../entry.ts";

/** The first page: the demonstrations, and the first call in three terminals. */
export const README: PageEntries = {
  page: "README.md",
  blocks: [
    {
      begins: "npm ci && npm run demo",
      how: "run",
      prints: [/^total +40 /m, /40\/40 final, \d+ events, \d+ repeated/],
    },
    {
      begins: "npm run -s cli -- simulate --port 8888 --api-key demo-key",
      how: "endless",
      terminal: "first",
      prints: [/^ready http/m],
      stops: "after the page",
    },
    {
      begins:
        "export INFOBIP_RPC_UPSTREAM_BASE_URL=http://127.0.0.1:8888 INFOBIP_RPC_UPSTREAM_API_KEY=demo-key",
      how: "endless",
      terminal: "second",
      prints: [/^ready; /m],
      stops: "after the page",
    },
    {
      begins:
        "npm run -s cli -- send --channel sms --from ShopDesk --to 385910000001 --text 'Your parcel is on its way.' --watch",
      how: "endless",
      terminal: "third",
      prints: [
        /^0\.0 {2}385910000001 {2}SENT {5}MESSAGE_ACCEPTED /m,
        // Once by send, once by watch.
        / SMS +DELIVERED +final +385910000001 [\s\S]* SMS +DELIVERED +final +385910000001 /,
      ],
      stops: "at once",
    },
    {
      begins: "curl -s http://127.0.0.1:8080/infobip.messages.v1.MessagesService/SendMessages \\",
      how: "endless",
      terminal: "third",
      prints: [/"outcome":"SEND_OUTCOME_SENT"/, /"type": "EVENT_TYPE_DELIVERY_REPORT"/],
      stops: "at once",
    },
    {
      begins: "npm run demo -- --nats",
      how: "run",
      prints: [/40\/40 final, \d+ events, 0 repeated/, /because of the kill$/m],
    },
  ],
};
