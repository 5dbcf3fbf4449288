import type { Worker } from "node:worker_threads";
import type { ToCheckpoints } from "./writer-messages.ts";

/** Pages in the write-ahead log at which they are moved into the file. */
const CHECKPOINT_PAGES = 2_000;
const PAGE_BYTES = 4_096;
/** Pages that a commit writes beside those of its events' own bytes: of the indexes and the state, as measured. */
const PAGES_OF_COMMIT = 6;

/**
 * Has another thread than the writer's move the write-ahead log into the file:
 * the disk may take long to sync that, and whoever waits for the next commit
 * would wait for it too. The writer does it by itself only when this falls
 * behind. The thread starts when there is something to do for the first time.
 */
export class Checkpointer {
  readonly #start: () => Worker;
  readonly #ended = Promise.withResolvers<void>();
  #worker: Worker | undefined;
  #takenBytes = 0;
  #pages = 0;
  #isBusy = false;
  #isOver = false;

  constructor(start: () => Worker) {
    this.#start = start;
  }

  /** The writer was given one more piece of work; `bytes` is what it was given in all. */
  taken(bytes: number): void {
    this.#pages += PAGES_OF_COMMIT + (bytes - this.#takenBytes) / PAGE_BYTES;
    this.#takenBytes = bytes;
    if (this.#pages < CHECKPOINT_PAGES || this.#isBusy || this.#isOver) return;
    this.#isBusy = true;
    this.#tell("checkpoint");
  }

  /** Resolves when the thread has let go of the file. */
  async close(): Promise<void> {
    this.#isOver = true;
    if (this.#worker === undefined) return;
    this.#tell("close");
    await this.#ended.promise;
  }

  #tell(message: ToCheckpoints): void {
    this.#worker ??= this.#begin();
    this.#worker.postMessage(message);
  }

  #begin(): Worker {
    const worker = this.#start();
    worker.on("message", () => {
      this.#isBusy = false;
      // Counted from here, so that the writer has its turns between two of these: it alone can end a log that always grows.
      this.#pages = 0;
    });
    worker.on("error", ignore);
    worker.on("exit", () => {
      this.#isOver = true;
      this.#ended.resolve();
    });
    return worker;
  }
}

function ignore(): void {}
