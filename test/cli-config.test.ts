import { expect, test } from "vitest";
import { SETTING_PATHS } from "../src/config/settings.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const SECRET = "0123456789abcdef-secret";
const environment = {
  INFOBIP_RPC_UPSTREAM_BASE_URL: "https://abc.api.infobip.com",
  INFOBIP_RPC_UPSTREAM_API_KEY: "very-secret-key",
  INFOBIP_RPC_WEBHOOK_SECRET: SECRET,
  INFOBIP_RPC_WEBHOOK_PUBLIC_URL: "https://hooks.example.com/a/",
};

test("config print shows every setting with value and origin, and no secret", async () => {
  const human = await cli(["config", "print", "--data-dir", "/x"], { environment });
  const machine = await cli(["config", "print", "--data-dir", "/x", "--json"], { environment });
  expect([human.exitCode, machine.exitCode]).toEqual([0, 0]);
  for (const path of SETTING_PATHS) expect(human.stdout).toContain(`\n${path} `);
  const rows = jsonLines(machine.stdout);
  expect(rows.map((row) => row.setting)).toEqual(SETTING_PATHS);
  expect(rows).toContainEqual({ setting: "data_dir", value: "/x", origin: "--data-dir", source: "flag" });
  expect(rows).toContainEqual({
    setting: "upstream.api_key",
    value: "[hidden]",
    origin: "INFOBIP_RPC_UPSTREAM_API_KEY",
    source: "environment",
  });
  expect(human.stdout + machine.stdout).not.toMatch(/very-secret-key|0123456789abcdef/);
});

test("config print of a wrong configuration still prints it, then the problems, exit code 2", async () => {
  const { exitCode, stdout, stderr } = await cli(["config", "print", "--drain-timeout", "soon"], {
    environment,
  });
  expect(exitCode).toBe(2);
  expect(stdout).toMatch(/drain_timeout +soon +--drain-timeout/);
  expect(stderr).toBe("error drain_timeout: must be between 0ms and 1h (--drain-timeout)\n");
});

test("config check prints the webhook URLs, the secret only when asked", async () => {
  const hidden = await cli(["config", "check"], { environment });
  expect(hidden.exitCode).toBe(0);
  expect(hidden.stdout).toContain("https://hooks.example.com/a/v1/delivery/[hidden]\n");
  expect(hidden.stdout).not.toContain(SECRET);
  const shown = await cli(["config", "check", "--show-secret", "--json"], { environment });
  expect(jsonLines(shown.stdout)).toEqual([
    {
      ok: true,
      webhook_urls: expect.objectContaining({
        delivery: `https://hooks.example.com/a/v1/delivery/${SECRET}`,
        seen: `https://hooks.example.com/a/v1/seen/${SECRET}`,
        inbound: `https://hooks.example.com/a/v1/inbound/${SECRET}`,
        click: `https://hooks.example.com/a/v1/click/${SECRET}`,
      }),
    },
  ]);
});

test("config check tells all problems, exit code 2", async () => {
  const wrong = { ...environment, INFOBIP_RPC_WEBHOOK_SECRET: "short", INFOBIP_RPC_LOG_LEVL: "x" };
  const { exitCode, stdout, stderr } = await cli(["config", "check", "--json"], { environment: wrong });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(jsonLines(stderr).map(({ error }) => error)).toEqual([
    expect.objectContaining({ reason: "CONFIG_INVALID", setting: "INFOBIP_RPC_LOG_LEVL", exit_code: 2 }),
    expect.objectContaining({ setting: "webhook.secret", origin: "INFOBIP_RPC_WEBHOOK_SECRET" }),
  ]);
  expect(stderr).not.toContain('"short"');
});

test("serve with a wrong configuration opens nothing and exits with 2", async () => {
  const { exitCode, stdout, stderr } = await cli(["serve", "--grpc-listen", "0.0.0.0:0"], {
    environment: {},
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr.split("\n").filter(Boolean)).toHaveLength(3);
});
