import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SETTING_FLAGS } from "../src/config/flag-source.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const COMMANDS = [
  "demo",
  "serve",
  "health",
  "simulate",
  "send",
  "watch",
  "message",
  "events",
  "translate",
  "config print",
  "config check",
  "token new",
  "token hash",
  "log verify",
  "log stats",
  "log export",
  "log import",
];

test.each(COMMANDS)("%s --help says what it does and shows an example", async (command) => {
  const { exitCode, stdout, stderr } = await cli([...command.split(" "), "--help"]);
  expect(exitCode).toBe(0);
  expect(stderr).toBe("");
  expect(stdout).toContain(`Usage: infobip-rpc ${command}`);
  expect(stdout).toContain("--json");
  expect(stdout).toMatch(/Examples:\n {2}.*infobip-rpc/);
});

test("the help names every command and the exit codes", async () => {
  const { exitCode, stdout } = await cli(["--help"]);
  expect(exitCode).toBe(0);
  for (const command of COMMANDS) expect(stdout).toContain(`  ${command.split(" ")[0]}`);
  expect(stdout).toContain("Exit codes:");
});

test.each([
  ["send", "30s"],
  ["send", "1m"],
  ["watch", "5m"],
  ["simulate", "50ms"],
  ["demo", "30s"],
])("%s --help writes the default %s as a time", async (command, time) => {
  expect((await cli([command, "--help"])).stdout).toContain(`(default: ${time})`);
});

test("serve --help lists every setting", async () => {
  const { stdout } = await cli(["serve", "--help"]);
  for (const flag of SETTING_FLAGS) expect(stdout).toContain(`${flag.name} `);
});

test("--version prints the version of the package", async () => {
  const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  expect(await cli(["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
});

test.each([
  [["sned"], "unknown command 'sned' (Did you mean send?)"],
  [
    ["serve", "--upstream-api-ky", "x"],
    "unknown option '--upstream-api-ky' (Did you mean --upstream-api-key?)",
  ],
  [
    ["watch", "--max", "0"],
    "option '--max <count>' argument '0' is invalid. Give a whole number of at least 1.",
  ],
  [
    ["translate", "--type", "mail"],
    "option '--type <type>' argument 'mail' is invalid. Allowed choices are send, events, delivery, seen, inbound, click.",
  ],
])("wrong use %j is told with exit code 2", async (args, message) => {
  const human = await cli(args);
  expect(human).toEqual({ exitCode: 2, stdout: "", stderr: `error USAGE: ${message}\n` });
  const machine = await cli([...args, "--json"]);
  expect(machine.exitCode).toBe(2);
  expect(jsonLines(machine.stderr)).toEqual([{ error: { reason: "USAGE", message, exit_code: 2 } }]);
});

test("a command without its subcommand prints its help on stderr, exit code 2", async () => {
  const { exitCode, stdout, stderr } = await cli(["config"]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toContain("config [options] [command]");
});
