import { expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { sources, VALID } from "./config-sources.ts";

const FILE =
  "limits:\n  max_timeout: 10m\ngrpc:\n  listen: 127.0.0.1:1001\nhttp:\n  listen: 127.0.0.1:1002\n";

test("flags win over the environment, that over the file, that over the defaults", async () => {
  const environment = {
    ...VALID,
    INFOBIP_RPC_GRPC_LISTEN: "127.0.0.1:2001",
    INFOBIP_RPC_HTTP_LISTEN: "127.0.0.1:2002",
  };
  const config = await loadConfig(
    sources(environment, { "--grpc-listen": "127.0.0.1:3001" }, { "config.yaml": FILE }),
  );
  expect(config.grpc.listen).toEqual({ kind: "tcp", host: "127.0.0.1", port: 3001 });
  expect(config.http.listen).toEqual({ kind: "tcp", host: "127.0.0.1", port: 2002 });
  expect(config.limits.maxTimeoutMs).toBe(600_000);
  expect(config.admin.listen).toEqual({ kind: "tcp", host: "127.0.0.1", port: 9464 });
});

test("every value names its origin, a file's with the line", async () => {
  const environment = { ...VALID, INFOBIP_RPC_HTTP_LISTEN: "" };
  const { settings } = await readConfig(
    sources(environment, { "--data-dir": "/x" }, { "config.yaml": FILE }),
  );
  const origins = Object.fromEntries(settings.map(({ path, origin }) => [path, origin.name]));
  expect(origins).toMatchObject({
    data_dir: "--data-dir",
    "http.listen": "INFOBIP_RPC_HTTP_LISTEN",
    "grpc.listen": "config.yaml:4",
    drain_timeout: "default",
  });
});

test("the result has every value in its unit and cannot be changed", async () => {
  const flags = {
    "--upstream-connect-timeout": "500ms",
    "--limits-max-message-bytes": "2MiB",
    "--grpc-listen": "unix:/run/rpc.sock",
    "--http-listen": "",
    "--defaults-sender-viber-bm": "Shop",
  };
  const config = await loadConfig(
    sources({ ...VALID, INFOBIP_RPC_UPSTREAM_BASE_URL: "abc.api.infobip.com/" }, flags),
  );
  expect(config.upstream.baseUrl).toBe("https://abc.api.infobip.com");
  expect(config.upstream.connectTimeoutMs).toBe(500);
  expect(config.limits.maxMessageBytes).toBe(2 * 1024 * 1024);
  expect(config.grpc.listen).toEqual({ kind: "unix", path: "/run/rpc.sock" });
  expect(config.http.listen).toBeUndefined();
  expect(config.defaults.sender).toEqual({ viber_bm: "Shop" });
  expect(() => Object.assign(config.upstream, { connections: 1 })).toThrow(TypeError);
});

test("INFOBIP_RPC_CONFIG names the file when --config does not", async () => {
  const files = { "other.yaml": "upstream: {base_url: https://abc.api.infobip.com, api_key: k}\n" };
  const config = await loadConfig(sources({ INFOBIP_RPC_CONFIG: "other.yaml" }, {}, files));
  expect(config.upstream.baseUrl).toBe("https://abc.api.infobip.com");
});

test("text in a file is taken as it stands, not as YAML's numbers or words", async () => {
  const file =
    "upstream:\n  base_url: https://abc.api.infobip.com\n  api_key: 0123\ndefaults:\n  sender:\n    sms: 0041\n    rcs: no\n";
  const config = await loadConfig(sources({}, {}, { "config.yaml": file }));
  expect(config.defaults.sender).toEqual({ sms: "0041", rcs: "no" });
  expect(config.upstream.auth.type === "app" && config.upstream.auth.apiKey.reveal()).toBe("0123");
});
