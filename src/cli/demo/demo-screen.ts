import { toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema, EventType } from "../../../gen/infobip/events/v1/event_pb.js";
import { eventHeading, eventLine } from "../event-text.ts";
import type { Output } from "../output.ts";
import type { OutageNews, StateCounts, SubmissionStates } from "./demo-outage.ts";
import { funnelPicture, progressBar, statusTable } from "./demo-picture.ts";
import type { DemoRig } from "./demo-rig.ts";
import type { DemoTally } from "./demo-tally.ts";

/** Events shown one by one; of a larger demo only the progress is shown further on. */
const MAX_EVENT_LINES = 200;
const CLEAR_LINE = "\r\u001B[2K";

/** Shows the demo: a line for each event, a progress line below on a terminal, pictures at the end. */
export class DemoScreen {
  readonly #output: Output;
  readonly #tally: DemoTally;
  readonly #total: number;
  readonly #states: SubmissionStates | undefined;
  #shown = 0;

  /** `states` where messages are submitted: shown as counts, in the place of a line for each change. */
  constructor(output: Output, tally: DemoTally, total: number, states?: SubmissionStates) {
    this.#output = output;
    this.#tally = tally;
    this.#total = total;
    this.#states = states;
  }

  /** `natsUrl` where the rig is a fleet. */
  async start(rig: DemoRig, natsUrl?: string): Promise<void> {
    const output = this.#output;
    if (output.json)
      return output.jsonLine({
        event: "ready",
        simulator: rig.simulatorUrl,
        nats: natsUrl,
        ...rig.addresses,
      });
    await output.line(
      `${output.style.bold("infobip-rpc demo")}: ${this.#total} messages over gRPC, ${this.#states === undefined ? "" : "submitted while Infobip is away, "}reports back as a stream`,
    );
    await output.line(
      output.style.dim(
        natsUrl === undefined
          ? `simulator ${rig.simulatorUrl}, service grpc ${rig.addresses.grpc}, http ${rig.addresses.http}`
          : `simulator ${rig.simulatorUrl}, nats-server ${natsUrl}, replicas ${rig.addresses.grpc}`,
      ),
    );
    await output.line();
    await output.line(eventHeading(output.style));
  }

  async event(event: Event): Promise<void> {
    const output = this.#output;
    if (output.json) return output.jsonLine({ event: "event", data: toJson(EventSchema, event) });
    const isCounted = this.#states !== undefined && event.type === EventType.SUBMISSION;
    const isShown = !isCounted && this.#shown++ < MAX_EVENT_LINES;
    if (isShown) await output.write(`${this.#clear}${eventLine(event, output.style)}\n`);
    if (output.isTerminal) await output.write(`${this.#clear}${this.#progress()}`);
  }

  /** Tells what happens in an outage. */
  async outage(news: OutageNews): Promise<void> {
    const output = this.#output;
    if (output.json) return output.jsonLine({ event: "outage", ...newsJson(news) });
    await output.write(`${this.#clear}${output.style.bold(outageText(news))}\n`);
    if (output.isTerminal) await output.write(this.#progress());
  }

  /** Tells that a replica was killed. */
  async killed(replica: number): Promise<void> {
    const output = this.#output;
    if (output.json) return output.jsonLine({ event: "killed", replica });
    const text = `-- replica ${replica} was killed (SIGKILL); calls, webhooks and the watch go on with the other one`;
    await output.write(`${this.#clear}${output.style.bold(text)}\n`);
  }

  get #clear(): string {
    return this.#output.isTerminal ? CLEAR_LINE : "";
  }

  #progress(): string {
    const bar = progressBar(this.#tally.finalCount, this.#total, this.#output.style);
    const states = this.#states === undefined ? "" : stateText(this.#states.counts());
    return states === "" ? bar : `${bar}  ${states}`;
  }

  /** `repeatedCalls` where a replica was killed. */
  async finish(rig: DemoRig, elapsedMs: number, repeatedCalls?: number): Promise<void> {
    const output = this.#output;
    const tally = this.#tally;
    const funnel = tally.funnel();
    if (output.json) {
      const { events, repeated } = tally;
      return output.jsonLine({
        event: "summary",
        ...funnel,
        events,
        repeated,
        submissions: this.#states?.counts(),
        repeated_calls: repeatedCalls,
        elapsed_ms: elapsedMs,
        missing: tally.missing(),
      });
    }
    if (output.isTerminal) await output.write(CLEAR_LINE);
    const lines = [
      "",
      ...statusTable(tally, output.style),
      "",
      ...funnelPicture(funnel, output.style, output.columns),
      "",
      `${progressBar(tally.finalCount, this.#total, output.style)}, ${tally.events} events, ${tally.repeated} repeated, ${(elapsedMs / 1000).toFixed(1)} s`,
      "",
      ...(this.#states === undefined ? [] : [`submissions: ${stateText(this.#states.counts())}`, ""]),
      ...(repeatedCalls === undefined ? tryIt(rig, output) : fleetText(repeatedCalls)),
    ];
    for (const line of lines) await output.line(line);
  }
}

function newsJson(news: OutageNews): object {
  const { phase } = news;
  switch (phase) {
    case "refused":
      return news;
    case "submitted":
      return { phase, count: news.count, outage_ms: news.outageMs };
    case "restored":
      return { phase, states: news.states, failed_attempts: news.failedAttempts };
    case "settled":
      return { phase, after_ms: news.afterMs };
  }
}

function outageText(news: OutageNews): string {
  switch (news.phase) {
    case "refused":
      return `-- nothing listens at Infobip's address: SendMessages fails with ${news.reason}, outcome ${news.outcome}`;
    case "submitted":
      return `-- SubmitMessages took ${news.count}: they are on disk and wait; Infobip stays away for ${seconds(news.outageMs)}`;
    case "restored":
      return `-- Infobip is back; the outbox tried now and then, ${news.failedAttempts} ${news.failedAttempts === 1 ? "attempt" : "attempts"} failed and sent nothing; submissions: ${stateText(news.states)}`;
    case "settled":
      return `-- no submission waits any more, ${seconds(news.afterMs)} after Infobip came back`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function stateText(states: StateCounts): string {
  return Object.entries(states)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

function fleetText(repeatedCalls: number): string[] {
  const calls = repeatedCalls === 1 ? "1 call was" : `${repeatedCalls} calls were`;
  return [`${calls} made again with the same request id, because of the kill`];
}

function tryIt(rig: DemoRig, output: Output): string[] {
  const { bold, dim } = output.style;
  const body =
    '{"messages":[{"message":{"channel":"CHANNEL_SMS","sender":"Shop","destinations":[{"toDestination":{"to":"41790099000"}}],"content":{"body":{"text":{"text":"Hello"}}}}}]}';
  return [
    bold("The same by hand, in four terminals:"),
    "  infobip-rpc simulate --port 8099",
    "  infobip-rpc serve --upstream-base-url http://127.0.0.1:8099 --upstream-api-key simulator \\",
    `    --webhook-public-url http://127.0.0.1:8081 --webhook-secret ${"$(openssl rand -hex 24)"}`,
    "  infobip-rpc watch --from earliest",
    "  curl http://127.0.0.1:8080/infobip.messages.v1.MessagesService/SendMessages \\",
    `    -H 'Content-Type: application/json' -d '${body}'`,
    dim(`(in this demo the same service was at http://${rig.addresses.http})`),
  ];
}
