import type { Worker } from "node:worker_threads";
import { EventLogOpenError, inaccessible } from "./open-failure.ts";
import type { WriterState } from "./writer.ts";
import type { FromWriter } from "./writer-messages.ts";

/** Resolves with the state of the log once the writer thread has opened it; rejects with EventLogOpenError. */
export function writerReady(worker: Worker, file: string): Promise<WriterState> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      worker.off("message", onMessage).off("error", onEnd).off("exit", onEnd);
      finish();
    };
    const onEnd = (cause: unknown): void => settle(() => reject(inaccessible(file, cause)));
    const onMessage = (message: FromWriter): void => {
      if (message.kind === "ready") settle(() => resolve(message.state));
      if (message.kind === "refused")
        settle(() => reject(new EventLogOpenError(message.reason, message.file, message.message)));
    };
    worker.on("message", onMessage).on("error", onEnd).on("exit", onEnd);
  });
}
