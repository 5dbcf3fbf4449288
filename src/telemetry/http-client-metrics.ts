import type { RequestEnd } from "../infobip/request-report.ts";
import { ATTRIBUTE, DURATION_BOUNDS, METRIC } from "./conventions.ts";
import { Histogram, type Labels } from "./histogram.ts";

/** Bounds for what takes longer than a call should: the client waits that long for an answer. */
const SLOW_BOUNDS = [30, 60, 120];

/** Counts the requests to Infobip, each attempt by itself, as `http.client.request.duration` of OpenTelemetry's conventions. */
export class HttpClientMetrics {
  readonly #durations = new Histogram<Labels>({
    name: METRIC.httpClientRequestDuration,
    description:
      "Duration of requests to Infobip by endpoint and status, from when they are handed to the connections until the answer is complete.",
    unit: "s",
    bounds: [...DURATION_BOUNDS, ...SLOW_BOUNDS],
  });

  /** For the readers. */
  readonly histograms = [this.#durations];

  /** A request has ended. */
  readonly ended = ({ method, host, port, path, status, errorType, durationMs }: RequestEnd): void => {
    const labels = {
      [ATTRIBUTE.httpRequestMethod]: method,
      [ATTRIBUTE.serverAddress]: host,
      [ATTRIBUTE.serverPort]: port,
      [ATTRIBUTE.urlTemplate]: path,
      ...(status === undefined ? {} : { [ATTRIBUTE.httpResponseStatusCode]: String(status) }),
      ...(errorType === undefined ? {} : { [ATTRIBUTE.errorType]: errorType }),
    };
    this.#durations.record(labels, durationMs / 1_000);
  };

  /** Nothing but the histogram. */
  register(): void {}
}
