import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeEventLogContract } from "./event-log-contract.ts";
import { openReplica, ReplicaEventLog } from "./fixtures/replica-event-log.ts";

describeEventLogContract("replica", async () => {
  const directory = await mkdtemp(join(tmpdir(), "replica-"));
  const taken = new Set<string>();
  let timeMs = 1_000;
  return {
    open: async () => new ReplicaEventLog(await openReplica(directory), taken, () => timeMs),
    setTime: (value) => {
      timeMs = value;
    },
    removeThrough: (log, position) => (log as ReplicaEventLog).removeThrough(position),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});
