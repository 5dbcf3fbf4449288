import { mkdir, writeFile } from "node:fs/promises";
import type { PageEntries } from "../entry.ts";
import { givenService } from "../given-service.ts";

/** The outbox by curl, at a running service. */
export const SENDING: PageEntries = {
  page: "docs/sending.md",
  given: (sandbox) => givenService(sandbox),
  blocks: [
    {
      begins:
        "curl -s http://127.0.0.1:8080/infobip.messages.v1.MessagesService/SubmitMessages -H 'content-type: application/json' \\",
      how: "run",
      prints: [
        /^\{"submission":\{"name":"submissions\/order-1001-shipped",/,
        /"state":"SUBMISSION_STATE_QUEUED",.*"messageIds":\["[^"]+"\]/,
      ],
    },
  ],
};

/** The admin listener's pages, at a running service. */
export const METRICS: PageEntries = {
  page: "docs/metrics.md",
  given: (sandbox) => givenService(sandbox),
  blocks: [
    {
      begins: "curl -s http://127.0.0.1:9464/statusz",
      how: "run",
      prints: [/^\{"version":"\d+\.\d+\.\d+",.*"state":"RUNNING"/, /^\{"level":"\w+"\}$/m],
    },
  ],
};

/** A service that is asked how it logs. */
export const OPERATIONS: PageEntries = {
  page: "docs/operations.md",
  given: (sandbox) => givenService(sandbox),
  blocks: [
    {
      begins: "curl -s 127.0.0.1:9464/loglevel",
      how: "run",
      prints: [/^\{"level":"\w+"\}$/m, /^\{"level":"debug"\}$/m],
    },
  ],
};

/** The simulator by itself. */
export const SIMULATOR: PageEntries = {
  page: "docs/simulator.md",
  blocks: [
    {
      begins: "npx infobip-rpc simulate --port 8888",
      how: "endless",
      terminal: "first",
      prints: [/^ready http/m],
      stops: "after the page",
    },
    {
      begins: "curl -s http://127.0.0.1:8888/messages-api/1/messages \\",
      how: "run",
      terminals: ["second"],
      prints: [
        /^\{"bulkId":"\d+","messages":\[\{"messageId":"\d+","status":\{"groupId":1,"groupName":"PENDING"/,
      ],
    },
    {
      begins: "curl -s http://127.0.0.1:8888/messages-api/1/reports -H 'Authorization: App simulator'",
      how: "run",
      terminals: ["second"],
      again: true,
      prints: [/^\{"results":\[\{.*"groupName":"DELIVERED"/],
    },
  ],
};

/** The client's package; nothing is fetched. */
export const CLIENT: PageEntries = {
  page: "docs/client.md",
  blocks: [{ begins: "npm install infobip-rpc", how: "run" }],
};

/** Images are not built here; systemd's folders are the sandbox's. */
export const DEPLOYMENT: PageEntries = {
  page: "docs/deployment.md",
  given: async (sandbox) => {
    await writeFile(sandbox.path("key"), "a-key\n");
    await mkdir(sandbox.path("etc/systemd/system"), { recursive: true });
    return { [Symbol.asyncDispose]: async () => undefined };
  },
  blocks: [
    { begins: "docker build --tag infobip-rpc:0.1.0 .", how: "check", needs: "docker" },
    {
      begins: "docker compose -f deploy/compose/compose.yaml up --build",
      how: "check",
      needs: "docker",
    },
    {
      begins: "npm run bundle",
      how: "run",
      replace: (sandbox) => ({
        "/opt/infobip-rpc": sandbox.path("opt/infobip-rpc"),
        "/etc/": sandbox.path("etc/"),
        "/path/of/the/key": sandbox.path("key"),
      }),
    },
    { begins: "npm install infobip-rpc", how: "run", prints: [/^\d+\.\d+\.\d+$/m] },
  ],
};
