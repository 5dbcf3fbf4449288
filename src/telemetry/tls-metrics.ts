import type { BatchObservableResult, Meter } from "@opentelemetry/api";

/** The certificate of one listener. */
export interface ObservedCertificate {
  /** `api` or `webhook`, or the name of a listener. */
  readonly listener: string;
  /** When the certificate in use ends, in Unix milliseconds. */
  readonly notAfterMs: number;
  /** Times that changed files were taken, and that they were not. */
  readonly reloads: { readonly ok: number; readonly failed: number };
}

/** What is read of the certificates. */
export interface ObservedTls {
  /** One entry for each listener that speaks TLS. Cheap. */
  certificates(): readonly ObservedCertificate[];
}

/** Tells how the listeners' certificates are. Says nothing without TLS. */
export class TlsMetrics {
  readonly #now: () => number;
  #tls: ObservedTls | undefined;

  /** `now` tells Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The certificates are loaded. */
  observe(tls: ObservedTls): void {
    this.#tls = tls;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    const expiry = meter.createObservableGauge("infobip_rpc_tls_certificate_expiry_seconds", {
      description: "Time until the certificate in use expires, by listener; below 0 once it has.",
    });
    const reloads = meter.createObservableCounter("infobip_rpc_tls_reloads_total", {
      description:
        "Times that changed certificate files were taken, or were not and the old ones stayed, by listener.",
    });
    const read = (result: BatchObservableResult) => {
      for (const { listener, notAfterMs, reloads: counts } of this.#tls?.certificates() ?? []) {
        result.observe(expiry, (notAfterMs - this.#now()) / 1_000, { listener });
        for (const name of ["ok", "failed"] as const) {
          result.observe(reloads, counts[name], { listener, result: name });
        }
      }
    };
    meter.addBatchObservableCallback(read, [expiry, reloads]);
  }
}
