import { expect, test } from "vitest";
import { loadConfig } from "../src/config/load-config.ts";

const load = (flags: Readonly<Record<string, string>>) =>
  loadConfig({
    flags: new Map(
      Object.entries({
        "--upstream-base-url": "https://abc.api.infobip.com",
        "--upstream-api-key": "key",
        ...flags,
      }),
    ),
    environment: {},
    readTextFile: () => Promise.reject(new Error("the callers file is no part of the configuration")),
  });

test("without a callers file there are no callers", async () => {
  expect((await load({})).auth).toEqual({ callersFile: undefined });
  expect((await load({ "--auth-callers-file": "" })).auth).toEqual({ callersFile: undefined });
});

test("the callers file is read by the service, not with the configuration", async () => {
  expect((await load({ "--auth-callers-file": "/etc/callers.yaml" })).auth).toEqual({
    callersFile: "/etc/callers.yaml",
  });
});
