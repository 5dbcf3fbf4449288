import { expect, test } from "vitest";
import { type MetricsPage, scrape } from "./fixtures/metrics-page.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { validRequest } from "./server-rig.ts";

const NAME = "http_client_request_duration_seconds";

function requests(page: MetricsPage): [Readonly<Record<string, string>>, number][] {
  return page.samples(`${NAME}_count`).map((each) => [each, page.value(`${NAME}_count`, each)]);
}

test("each attempt is one request of http.client.request.duration, by endpoint and status", async () => {
  await using rig = await startServiceRig({ publicUrl: false });
  rig.simulator.injectFaults({ kind: "unavailable", retryAfterSeconds: 0, endpoints: ["messages"] });
  await rig.messages.sendMessages(validRequest("Shop"));
  const page = await scrape(rig.addresses.admin);
  const [first] = page.samples(`${NAME}_count`);
  const common = {
    http_request_method: "POST",
    server_address: "127.0.0.1",
    server_port: expect.stringMatching(/^\d+$/),
    url_template: "/messages-api/1/messages",
  };
  expect(first).toBeDefined();
  expect(requests(page)).toEqual([
    [{ ...common, http_response_status_code: "503", error_type: "503" }, 1],
    [{ ...common, http_response_status_code: "200" }, 1],
  ]);
  expect(page.metrics.get(NAME)?.type).toBe("histogram");
  const bounds = new Set(page.samples(`${NAME}_bucket`).map(({ le }) => le));
  expect([...bounds].slice(-4)).toEqual(["30", "60", "120", "+Inf"]);
});

test("a request without an answer has no status, and one word for what went wrong", async () => {
  await using rig = await startServiceRig({
    publicUrl: false,
    flags: { "--upstream-base-url": "http://127.0.0.1:1", "--sending-max-attempts": "1" },
  });
  await rig.messages.sendMessages(validRequest("Shop"), { timeoutMs: 5_000 }).catch(() => undefined);
  const page = await scrape(rig.addresses.admin);
  const [end] = page.samples(`${NAME}_count`);
  expect(end).toMatchObject({ server_port: "1", error_type: "ECONNREFUSED" });
  expect(end).not.toHaveProperty("http_response_status_code");
});
