import { toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../../gen/infobip/events/v1/event_pb.js";
import { eventHeading, eventLine } from "../event-text.ts";
import type { Output } from "../output.ts";
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
  #shown = 0;

  constructor(output: Output, tally: DemoTally, total: number) {
    this.#output = output;
    this.#tally = tally;
    this.#total = total;
  }

  async start(rig: DemoRig): Promise<void> {
    const output = this.#output;
    if (output.json)
      return output.jsonLine({ event: "ready", simulator: rig.simulatorUrl, ...rig.addresses });
    await output.line(
      `${output.style.bold("infobip-rpc demo")}: ${this.#total} messages over gRPC, reports back as a stream`,
    );
    await output.line(
      output.style.dim(
        `simulator ${rig.simulatorUrl}, service grpc ${rig.addresses.grpc}, http ${rig.addresses.http}`,
      ),
    );
    await output.line();
    await output.line(eventHeading(output.style));
  }

  async event(event: Event): Promise<void> {
    const output = this.#output;
    if (output.json) return output.jsonLine({ event: "event", data: toJson(EventSchema, event) });
    const isShown = this.#shown++ < MAX_EVENT_LINES;
    const clear = output.isTerminal ? CLEAR_LINE : "";
    if (isShown) await output.write(`${clear}${eventLine(event, output.style)}\n`);
    if (output.isTerminal)
      await output.write(`${clear}${progressBar(this.#tally.finalCount, this.#total, output.style)}`);
  }

  async finish(rig: DemoRig, elapsedMs: number): Promise<void> {
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
      ...tryIt(rig, output),
    ];
    for (const line of lines) await output.line(line);
  }
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
