import type { InboundPullChannel, ReportSource } from "../infobip/report-source.ts";
import type { Timer } from "../timer.ts";
import { Poller, type ReceiveBody } from "./poller.ts";
import type { PullEvents } from "./pull-events.ts";

/** What is to be fetched. */
export interface PullSettings {
  readonly reports: boolean;
  readonly inbound: readonly InboundPullChannel[];
  /** Wait between two fetches, in milliseconds. */
  readonly intervalMs: number;
  /** Most items of one fetch. */
  readonly limit: number;
}

/** What {@link createPollers} needs. */
export interface PollersOptions {
  readonly client: ReportSource;
  readonly receive: ReceiveBody;
  readonly config: PullSettings;
  /** Whether the log takes events, as far as is known; nothing is asked for while it does not. Default: always. */
  readonly isLogHealthy?: () => boolean;
  readonly timer: Timer;
  /** From 0 up to, not with, 1. */
  readonly random: () => number;
  readonly events: PullEvents;
}

/** The pollers of one service: one for reports, one for each inbound channel. */
export interface Pollers {
  /** How many there are; 0 when nothing is to be fetched. */
  readonly count: number;
  /** Begins to fetch. Once. */
  start(): void;
  /**
   * Asks for nothing more. What Infobip is handing out right now still comes in and is stored, for at most so
   * many milliseconds; what is not stored by then is told as lost. The log and the client must stay open until
   * then. Never rejects; a second call can only shorten the time.
   */
  stop(graceMs: number): Promise<void>;
  /** Not ok while a page waits in memory because the log does not take it. For probes. */
  health(): { readonly ok: boolean; readonly reason?: string };
}

/** Makes the pollers that the configuration names. Nothing is fetched before start(). */
export function createPollers(options: PollersOptions): Pollers {
  const pollers = makePollers(options);
  return {
    count: pollers.length,
    start: () => {
      for (const poller of pollers) poller.start();
    },
    stop: async (graceMs) => {
      const graceOver = new AbortController();
      const end = () => graceOver.abort(new Error("the time to stop is up"));
      const cancel = options.timer.schedule(graceMs, end);
      await Promise.all(pollers.map((poller) => poller.stop(graceOver.signal)));
      cancel();
    },
    health: () => {
      const holding = pollers.filter((poller) => poller.isHolding).length;
      if (holding === 0) return { ok: true };
      return { ok: false, reason: `${holding} fetched pages wait in memory for the event log` };
    },
  };
}

function makePollers({ client, config, isLogHealthy = () => true, ...ports }: PollersOptions): Poller[] {
  const { intervalMs, limit } = config;
  const settings = { intervalMs, limit, isLogHealthy, ...ports };
  const inbound = config.inbound.map(
    (channel) =>
      new Poller({
        ...settings,
        source: { route: "inbound", channel },
        fetch: (options) => client.fetchInbound(channel, options),
      }),
  );
  if (!config.reports) return inbound;
  const reports = new Poller({
    ...settings,
    source: { route: "delivery" },
    fetch: (options) => client.fetchReports(options),
  });
  return [reports, ...inbound];
}
