import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { SubscriptionStore } from "../src/eventlog/embedded/subscription-store.ts";
import { describeSubscriptionContract } from "./subscription-contract.ts";
import type { SubscriptionStorage } from "./subscription-harness.ts";

class EmbeddedStorage implements SubscriptionStorage {
  readonly #base: string;
  readonly #opened: EmbeddedEventLog[] = [];
  #directory: string;
  log: EmbeddedEventLog;

  constructor(base: string, directory: string, log: EmbeddedEventLog) {
    this.#base = base;
    this.#directory = directory;
    this.log = log;
  }

  static async open(): Promise<EmbeddedStorage> {
    const base = await mkdtemp(join(tmpdir(), "subscriptions-"));
    const directory = join(base, "0");
    return new EmbeddedStorage(base, directory, await openEmbeddedLog({ directory }));
  }

  get store(): SubscriptionStore {
    return this.log.subscriptions;
  }

  async reopen(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    this.log = await openEmbeddedLog({ directory: this.#directory });
  }

  /** Copies the files as they lie on the disk, while the log is open. */
  async crash(): Promise<void> {
    this.#opened.push(this.log);
    const directory = join(this.#base, String(this.#opened.length));
    await cp(this.#directory, directory, { recursive: true });
    this.#directory = directory;
    this.log = await openEmbeddedLog({ directory });
  }

  removeThrough(position: number): Promise<void> {
    return this.log.removeThrough(position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of [...this.#opened, this.log]) await log[Symbol.asyncDispose]();
    await rm(this.#base, { recursive: true });
  }
}

describeSubscriptionContract("embedded", () => EmbeddedStorage.open());
