import type { RequestEnd } from "../infobip/request-report.ts";
import { ATTRIBUTE, DURATION_BOUNDS, METRIC } from "./conventions.ts";
import { Histogram, type HistogramSeries, type Labels } from "./histogram.ts";

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

  /** Series of answers without an error, which are nearly all, by path and status: one client has one host. */
  readonly #usual = new Map<string, Map<number, HistogramSeries<Labels>>>();

  /** For the readers. */
  readonly histograms = [this.#durations];

  /** A request has ended. */
  readonly ended = (end: RequestEnd): void => {
    const { path, status, errorType, durationMs } = end;
    const isUsual = status !== undefined && errorType === undefined;
    const known = isUsual ? this.#usual.get(path)?.get(status) : undefined;
    const series = known ?? this.#durations.of(labelsOf(end));
    series?.record(durationMs / 1_000);
    if (isUsual && known === undefined && series !== undefined) {
      const byStatus = this.#usual.get(path) ?? new Map<number, HistogramSeries<Labels>>();
      this.#usual.set(path, byStatus.set(status, series));
    }
  };

  /** Nothing but the histogram. */
  register(): void {}
}

function labelsOf({ method, host, port, path, status, errorType }: RequestEnd): Labels {
  return {
    [ATTRIBUTE.httpRequestMethod]: method,
    [ATTRIBUTE.serverAddress]: host,
    [ATTRIBUTE.serverPort]: port,
    [ATTRIBUTE.urlTemplate]: path,
    ...(status === undefined ? {} : { [ATTRIBUTE.httpResponseStatusCode]: String(status) }),
    ...(errorType === undefined ? {} : { [ATTRIBUTE.errorType]: errorType }),
  };
}
