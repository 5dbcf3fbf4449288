import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tokenHash } from "../src/callers/caller-token.ts";
import { callersYaml, tokenFor } from "./callers-rig.ts";
import { cli, jsonLines } from "./cli-harness.ts";

describe("token", () => {
  test("new prints a token and its hash, another one each time", async () => {
    const [first] = jsonLines((await cli(["token", "new", "--json"])).stdout);
    const { exitCode, stdout } = await cli(["token", "new"]);
    const [, token = "", hash = ""] =
      /^token: (irpc_[\w-]{43})\ntoken_sha256: ([0-9a-f]{64})\n$/.exec(stdout) ?? [];
    expect(exitCode).toBe(0);
    expect(hash).toBe(tokenHash(token));
    expect(first?.token_sha256).toBe(tokenHash(String(first?.token)));
    expect(first?.token).not.toBe(token);
  });

  test.each(["", "\n", "\r\n"])("hash reads a token, with or without a line break (%j)", async (end) => {
    const options = { stdin: `${tokenFor("shop")}${end}` };
    expect(await cli(["token", "hash"], options)).toMatchObject({
      exitCode: 0,
      stdout: `${tokenHash(tokenFor("shop"))}\n`,
    });
    expect(jsonLines((await cli(["token", "hash", "--json"], options)).stdout)).toEqual([
      { token_sha256: tokenHash(tokenFor("shop")) },
    ]);
  });

  test.each(["", "\n", "too-short", `${tokenFor("a")}\n${tokenFor("b")}`, `${tokenFor("a")} `])(
    "hash refuses what is no token: %j",
    async (stdin) => {
      const { exitCode, stdout, stderr } = await cli(["token", "hash"], { stdin });
      expect([exitCode, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("TOKEN_UNUSABLE");
      expect(stderr).not.toContain(tokenFor("a"));
    },
  );
});

describe("config check", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "infobip-rpc-cli-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const check = async (text: string | undefined, ...args: string[]) => {
    const path = join(folder, "callers.yaml");
    if (text !== undefined) await writeFile(path, text);
    return cli(["config", "check", "--auth-callers-file", path, ...args], {
      environment: {
        INFOBIP_RPC_UPSTREAM_BASE_URL: "https://abc.api.infobip.com",
        INFOBIP_RPC_UPSTREAM_API_KEY: "very-secret-key",
      },
    });
  };

  test("reads the callers file", async () => {
    const text = callersYaml([
      { name: "shop", scopes: ["send"] },
      { name: "desk", scopes: ["events"] },
    ]);
    expect((await check(text)).stdout).toContain("callers.yaml: 2");
    expect(jsonLines((await check(text, "--json")).stdout)[0]).toMatchObject({ ok: true, callers: 2 });
  });

  test("tells what is wrong with it by entry and field, without showing it", async () => {
    const text = callersYaml([{ name: "shop", scopes: ["send"], token_sha256: [tokenFor("shop")] }]);
    const { exitCode, stdout, stderr } = await check(text);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(
      'auth.callers_file: caller "shop", token_sha256[0]: must be the SHA-256 of a token',
    );
    expect(stderr).not.toContain(tokenFor("shop"));
  });

  test("tells that it is not there", async () => {
    const { exitCode, stderr } = await check(undefined);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("auth.callers_file: cannot be read");
  });
});
