import { cp, writeFile } from "node:fs/promises";
import { deliveryReport } from "../../fixtures/webhook-target.ts";
import { startLogRig } from "../../log-file-rig.ts";
import { startNatsServer } from "../../nats-server.ts";
import type { PageEntries } from "../entry.ts";

/** A log moves to NATS JetStream. */
export const EVENT_LOG: PageEntries = {
  page: "docs/event-log.md",
  given: async (sandbox) => {
    await using log = await startLogRig();
    await log.receive(deliveryReport());
    await log.close();
    await cp(log.directory, sandbox.path("data"), { recursive: true });
    const nats = await startNatsServer();
    await writeFile(sandbox.path("fleet.yaml"), `eventlog: { url: "${nats.url}" }\nnats: { replicas: 1 }\n`);
    return nats;
  },
  blocks: [
    {
      begins: "# 1. Stop the service, and leave it stopped.",
      how: "run",
      replace: (sandbox) => ({ "/var/lib/infobip-rpc": sandbox.path("data") }),
      prints: [/sound/],
    },
  ],
};
