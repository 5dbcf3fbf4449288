import { test } from "vitest";
import { FIRST_CALL } from "./docs-commands/registry.ts";
import { runPage } from "./docs-commands/run-page.ts";
import { describeNats } from "./nats-server.ts";

const LIMIT_MS = 120_000;

// README.md's last demonstration starts nats-server.
describeNats("what a newcomer runs first", () => {
  test.each(FIRST_CALL)("the commands of $page", runPage, LIMIT_MS);
});
