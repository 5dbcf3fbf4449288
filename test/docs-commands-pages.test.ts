import { test } from "vitest";
import { FURTHER } from "./docs-commands/registry.ts";
import { runPage } from "./docs-commands/run-page.ts";
import { describeNats } from "./nats-server.ts";

const LIMIT_MS = 120_000;

// docs/event-log.md moves a log to NATS.
describeNats("pages for whoever runs the service", () => {
  test.each(FURTHER)("the commands of $page", runPage, LIMIT_MS);
});
