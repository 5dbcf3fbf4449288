import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FleetProcess } from "./fleet/fleet-process.ts";
import { rejection } from "./nats-rig.ts";

test("a data_dir that cannot be had over NATS is told by its setting", async () => {
  const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-data-dir-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "a-file");
  await writeFile(file, "");
  await using service = new FleetProcess({
    name: "gateway",
    flags: {
      "--upstream-base-url": "http://127.0.0.1:9",
      "--upstream-api-key": "simulator",
      "--eventlog-url": "nats://127.0.0.1:9",
      "--nats-replicas": "1",
      "--data-dir": file,
    },
    onChanged: () => {},
  });
  const { message } = await rejection(service.start());
  expect(message).toContain('"reason":"EVENT_LOG_INACCESSIBLE"');
  expect(message).toContain("data_dir: ");
});
