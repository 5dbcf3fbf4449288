import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { describeEventLogContract } from "./event-log-contract.ts";

describeEventLogContract("embedded", async () => {
  const directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  let timeMs = 1_000;
  return {
    open: () => openEmbeddedLog({ directory, now: () => timeMs }),
    setTime: (value) => {
      timeMs = value;
    },
    removeThrough: (log, position) => (log as EmbeddedEventLog).removeThrough(position),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});
