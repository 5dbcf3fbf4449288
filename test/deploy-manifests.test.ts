import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import type { ListenAddress } from "../src/config/listen-address.ts";
import { configWarnings } from "../src/config/warnings.ts";
import { type Container, configOf, type Manifest, podOf, readManifests } from "./fixtures/deploy-files.ts";

const FILES = ["sidecar.yaml", "gateway.yaml", "intake.yaml"];
const ROOT = new URL("..", import.meta.url).pathname;
const IMAGE = `infobip-rpc:${packageJson.version}`;
const LISTENERS = {
  grpc: "grpc.listen",
  http: "http.listen",
  webhook: "webhook.listen",
  admin: "admin.listen",
} as const;

interface Model {
  validate(): void;
}

/** The class of kubernetes-models that stands for a kind. */
async function modelOf({ apiVersion, kind }: Manifest): Promise<new (data: object) => Model> {
  const module = (await import(/* @vite-ignore */ `kubernetes-models/${apiVersion}`)) as Record<
    string,
    new (
      data: object,
    ) => Model
  >;
  const model = module[kind];
  if (model === undefined) throw new Error(`${apiVersion} ${kind} is no kind of Kubernetes`);
  return model;
}

/** The containers of this service in all manifests of a file. */
function serviceContainers(manifests: readonly Manifest[]): Container[] {
  const pods = manifests.map(podOf).filter((pod) => pod !== undefined);
  const all = pods.flatMap(({ containers, initContainers = [] }) => [...initContainers, ...containers]);
  return all.filter(({ image }) => image.startsWith("infobip-rpc"));
}

async function configMapFiles(): Promise<Record<string, string>> {
  const map = (await readManifests("gateway.yaml")).find(({ kind }) => kind === "ConfigMap");
  return { "/etc/infobip-rpc/service.yaml": map?.data?.["service.yaml"] ?? "" };
}

describe.each(FILES)("deploy/kubernetes/%s", (name) => {
  it("has the types of Kubernetes' own schema", async () => {
    for (const manifest of await readManifests(name)) {
      const Model = await modelOf(manifest);
      expect(() => new Model(manifest).validate()).not.toThrow();
    }
  });

  it("gives every container of the service a configuration that it takes, and the ports that it opens", async () => {
    const containers = serviceContainers(await readManifests(name));
    expect(containers.length).toBeGreaterThan(0);
    for (const { args = ["serve"], env = [], image, ports = [] } of containers) {
      expect(image).toBe(IMAGE);
      expect(args[0]).toBe("serve");
      const environment = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      const { config, problems, values } = await configOf(args.slice(1), environment, await configMapFiles());
      expect(problems).toEqual([]);
      expect(config && configWarnings(config)).toEqual([]);
      for (const { name: port, containerPort } of ports) {
        const address = values[LISTENERS[port as keyof typeof LISTENERS]] as ListenAddress | undefined;
        expect(address).toEqual({ kind: "tcp", host: "0.0.0.0", port: containerPort });
      }
    }
  });

  it("probes the admin listener, by pages that it has", async () => {
    for (const container of serviceContainers(await readManifests(name))) {
      const { startupProbe, readinessProbe, livenessProbe } = container;
      const probes = [startupProbe, readinessProbe, livenessProbe].map((probe) => probe?.httpGet);
      expect(probes).toEqual([
        { path: "/startupz", port: "admin" },
        { path: "/readyz", port: "admin" },
        { path: "/livez", port: "admin" },
      ]);
    }
  });

  it("names volumes, ports and selectors that are there, and leaves the service no rights that it does not need", async () => {
    const manifests = await readManifests(name);
    for (const manifest of manifests) {
      const pod = podOf(manifest);
      if (pod === undefined) continue;
      const claims = (manifest.spec?.volumeClaimTemplates ?? []) as Manifest[];
      const volumes = [...(pod.volumes ?? []), ...claims.map(({ metadata }) => metadata)].map((v) => v.name);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
      for (const { volumeMounts = [], securityContext } of serviceContainers([manifest])) {
        expect(volumes).toEqual(expect.arrayContaining(volumeMounts.map((mount) => mount.name)));
        expect(volumeMounts.map((mount) => mount.mountPath)).toContain("/data");
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
    for (const service of manifests.filter(({ kind }) => kind === "Service")) {
      const { ports, selector } = service.spec as { ports: { targetPort: string }[]; selector: object };
      const selected = manifests.filter(({ spec }) => {
        const template = spec?.template as { metadata: { labels: object } } | undefined;
        return (
          template !== undefined &&
          Object.entries(selector).every(
            ([key, value]) => (template.metadata.labels as Record<string, unknown>)[key] === value,
          )
        );
      });
      expect(selected).toHaveLength(1);
      const open = serviceContainers(selected).flatMap(({ ports = [] }) => ports.map((port) => port.name));
      expect(open).toEqual(expect.arrayContaining(ports.map(({ targetPort }) => targetPort)));
    }
  });

  it("leaves the service time to drain before it is killed", async () => {
    for (const manifest of await readManifests(name)) {
      const pod = podOf(manifest);
      if (pod === undefined) continue;
      for (const { args = ["serve"], env = [] } of serviceContainers([manifest])) {
        const environment = Object.fromEntries(env.map(({ name, value }) => [name, value]));
        const { config } = await configOf(args.slice(1), environment, await configMapFiles());
        expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(
          (config?.drainTimeoutMs ?? 0) + 10_000,
        );
      }
    }
  });
});

it("the sidecar is a native one: up before the app, stopped after it", async () => {
  const [pod] = (await readManifests("sidecar.yaml")).map(podOf).filter((found) => found !== undefined);
  expect(pod?.initContainers).toMatchObject([{ name: "infobip-rpc", restartPolicy: "Always" }]);
});

it("no manifest has a field that Kubernetes does not know", async () => {
  const folder = await mkdtemp(join(tmpdir(), "deploy-types-"));
  try {
    const lines: string[] = [];
    for (const name of FILES) {
      for (const manifest of await readManifests(name)) {
        const { apiVersion, kind } = manifest;
        const type = `import("kubernetes-models/${apiVersion}").I${kind}`;
        lines.push(`export const x${lines.length}: ${type} = ${JSON.stringify(manifest, null, 2)};`);
      }
    }
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "good.ts"), lines.join("\n"));
    await writeFile(join(folder, "bad.ts"), lines.join("\n").replace('"readinessProbe"', '"readynessProbe"'));
    const check = (file: string) =>
      promisify(execFile)(
        join(ROOT, "node_modules/.bin/tsc"),
        ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", "", file],
        { cwd: folder, timeout: 60_000 },
      ).then(
        () => "",
        (error: { stdout: string }) => error.stdout,
      );
    expect(await check("good.ts")).toBe("");
    expect(await check("bad.ts")).toContain("readynessProbe");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
