import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { PageEntries } from "../entry.ts";
import type { Sandbox } from "../sandbox.ts";

let exports = 0;

/** A service whose spans come to a collector. */
export const TRACING: PageEntries = {
  page: "docs/tracing.md",
  given: async (sandbox) => {
    const upstream = '{ base_url: "http://127.0.0.1:9", api_key: a-key }';
    await writeFile(sandbox.path("service.yaml"), `upstream: ${upstream}\nwebhook: { listen: "" }\n`);
    return collector(sandbox);
  },
  blocks: [
    {
      begins:
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_SERVICE_NAME=messaging infobip-rpc serve --config service.yaml",
      how: "endless",
      // Spans go out every 5 s when nothing else is said.
      replace: () => ({
        "OTEL_SERVICE_NAME=messaging": "OTEL_SERVICE_NAME=messaging OTEL_BSP_SCHEDULE_DELAY=50",
      }),
      prints: [/^ready; /m],
      stops: "after the page",
      brings: async (sandbox) => {
        await fetch(`http://${sandbox.address("8080")}/infobip.events.v1.EventsService/GetEventLog`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: "{}",
        });
        return exports > 0;
      },
    },
  ],
};

/** Counts what comes for it by OTLP over HTTP. */
async function collector(sandbox: Sandbox): Promise<AsyncDisposable> {
  exports = 0;
  const server = createServer((request, response) => {
    if (request.url === "/v1/traces") exports += 1;
    request.resume();
    response.end();
  });
  const [host, port] = sandbox.address("4318").split(":");
  server.listen(Number(port), host);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
