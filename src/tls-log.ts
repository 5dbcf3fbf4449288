import type { TlsFilesError } from "./config/tls-identity.ts";
import type { Logger } from "./log.ts";
import type { TlsReload } from "./server/tls/tls-credentials.ts";

/** What happens to TLS files and is worth a log line. */
export interface TlsEvents {
  /** `component` is `api` for the gRPC and HTTP listeners, or `webhook`. */
  readonly filesChanged: (component: string, reload: TlsReload) => void;
}

/** Writes the events as log lines. */
export function logTlsEvents(log: Logger): TlsEvents {
  return {
    filesChanged: (component, reload) => {
      if (reload.ok) {
        log.info("the TLS files have changed; further connections use them", { component });
      } else {
        const { reason } = reload.error as Partial<TlsFilesError>;
        log.error("the TLS files cannot be used; the certificate in use stays", {
          component,
          ...(reason === undefined ? { error: reload.error } : { reason }),
        });
      }
    },
  };
}
