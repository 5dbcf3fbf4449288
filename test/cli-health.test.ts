import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { cli, jsonLines } from "./cli-harness.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

let rig: ServiceRig | undefined;
let folder: string | undefined;
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  rig = undefined;
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  folder = undefined;
});

it("finds the admin listener by the settings of the service, and tells how it is", async () => {
  rig = await startServiceRig();
  const { admin } = rig.addresses;
  for (const check of ["live", "ready", "started"]) {
    const environment = { INFOBIP_RPC_ADMIN_LISTEN: admin.replace("127.0.0.1", "0.0.0.0") };
    const asked = await cli(["health", "--check", check, "--json"], { environment });
    expect(asked).toMatchObject({ exitCode: 0, stderr: "" });
    expect(jsonLines(asked.stdout)).toEqual([{ check, ok: true, status: 200, answer: expect.any(Object) }]);
  }
  await rig.service.drain();
  const flags = ["--admin-listen", admin];
  const draining = await cli(["health", ...flags]);
  expect(draining.exitCode).toBe(1);
  expect(draining.stdout).toMatch(/^not ok .*DRAINING/);
  expect((await cli(["health", "--check", "live", ...flags])).exitCode).toBe(0);
});

it("asks about one role, and over a Unix socket", async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-health-"));
  const socket = `unix:${join(folder, "admin.sock")}`;
  rig = await startServiceRig({ flags: { "--admin-listen": socket } });
  const flags = ["--admin-listen", socket];
  expect((await cli(["health", "--role", "send", ...flags])).exitCode).toBe(0);
  expect((await cli(["health", "--role", "cook", ...flags])).exitCode).toBe(1);
});

it("gives 1 when nobody answers in time, and 2 when there is nobody to ask", async () => {
  const silent = createServer((socket) => void socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const flags = ["--admin-listen", `127.0.0.1:${port}`, "--json"];
  const late = await cli(["health", "--timeout", "50ms", ...flags]);
  expect(late.exitCode).toBe(1);
  expect(jsonLines(late.stderr)).toEqual([
    { error: expect.objectContaining({ reason: "ADMIN_UNREACHABLE" }) },
  ]);
  await new Promise((resolve) => silent.close(resolve));
  expect((await cli(["health", ...flags])).exitCode).toBe(1);
  expect((await cli(["health", "--admin-listen", ""])).exitCode).toBe(2);
});
