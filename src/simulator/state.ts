import { Authorization } from "./authorization.ts";
import { Callbacks } from "./callbacks.ts";
import { FaultQueue } from "./fault-queue.ts";
import { IdGenerator } from "./id-generator.ts";
import { Ledger } from "./ledger.ts";
import type { ResolvedOptions } from "./options.ts";
import { Outstanding } from "./outstanding.ts";
import { PullStore } from "./pull-store.ts";
import { RateWindow } from "./rate-window.ts";
import { RequestJournal } from "./request-journal.ts";
import { RequestRules } from "./request-rules.ts";
import { seededRandom } from "./seeded-random.ts";
import { TimerSet } from "./timer-set.ts";
import { WebhookBatcher } from "./webhook-batcher.ts";
import { WebhookSender } from "./webhook-sender.ts";

/** Everything one simulator owns, wired together. */
export class SimulatorState implements AsyncDisposable {
  readonly options: ResolvedOptions;
  readonly timers: TimerSet;
  readonly outstanding = new Outstanding();
  readonly ids: IdGenerator;
  readonly authorization: Authorization;
  readonly rules = new RequestRules();
  readonly ledger = new Ledger();
  readonly journal = new RequestJournal();
  readonly reports: PullStore;
  readonly inbound: PullStore;
  readonly validateRate: RateWindow;
  readonly sender: WebhookSender;
  readonly batcher: WebhookBatcher;
  readonly callbacks: Callbacks;
  readonly responses = new Map<number, number>();
  readonly random: () => number;
  readonly faults: FaultQueue;
  /** Event destinations accepted. */
  eventsAccepted = 0;

  constructor(options: ResolvedOptions) {
    const { clock } = options;
    this.options = options;
    this.timers = new TimerSet(clock);
    this.ids = new IdGenerator(clock);
    this.authorization = new Authorization(options.credentials, clock);
    this.reports = new PullStore(clock);
    this.inbound = new PullStore(clock);
    this.validateRate = new RateWindow(clock, options.validateRequestsPerSecond);
    this.random = seededRandom(options.seed);
    this.faults = new FaultQueue(this.random);
    this.sender = new WebhookSender({
      clock,
      timers: this.timers,
      outstanding: this.outstanding,
      timeoutMs: options.webhookTimeoutMs,
      timeScale: options.timeScale,
      headers: options.webhookHeaders,
      allowRemote: options.allowRemoteWebhooks,
    });
    this.batcher = new WebhookBatcher(this.sender, this.timers, this.outstanding, options.batchWindowMs);
    this.callbacks = new Callbacks({
      clock,
      timers: this.timers,
      outstanding: this.outstanding,
      batcher: this.batcher,
      reports: this.reports,
      inbound: this.inbound,
      inboundUrl: options.inboundUrl,
      timeScale: options.timeScale,
      nextId: () => this.ids.next(),
    });
  }

  /** Forgets messages, reports, faults and counters, and drops every callback still to come. */
  reset(): void {
    this.timers.cancelAll();
    this.batcher.reset();
    this.sender.reset();
    this.outstanding.clear();
    this.ledger.clear();
    this.journal.clear();
    this.reports.clear();
    this.inbound.clear();
    this.faults.clear();
    this.authorization.reset();
    this.responses.clear();
    this.eventsAccepted = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.timers.close();
    this.outstanding.clear();
    this.journal.close();
    await this.sender[Symbol.asyncDispose]();
  }
}
