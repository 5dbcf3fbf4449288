import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { MessagePort } from "node:worker_threads";
import type { ToCheckpoints } from "./writer-messages.ts";

/** Passes for one request. Each leaves what the writer has added meanwhile; after one that leaves nothing the log begins anew. */
const PASSES = 3;

/**
 * Moves the write-ahead log of a database into its file whenever it is told to,
 * and answers when it has. The writer goes on meanwhile. What fails ends the
 * thread: the writer moves everything by itself then, and tells of trouble.
 */
export function runCheckpoints(port: MessagePort, file: string): void {
  const url = pathToFileURL(file);
  // A file that is gone is not to be created.
  url.searchParams.set("mode", "rw");
  const database = new DatabaseSync(url);
  // As the writer: the pages are on the disk before what they were in is written over.
  database.exec("PRAGMA synchronous = NORMAL");
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  port.on("message", (message: ToCheckpoints) => {
    if (message === "close") {
      database.close();
      port.close();
      return;
    }
    let before: unknown;
    for (let pass = 0; pass < PASSES; pass++) {
      const { log } = checkpoint.get() ?? {};
      if (log === before) break;
      before = log;
    }
    port.postMessage("done");
  });
}
