import type { PageEntries } from "../entry.ts";

/** From a checkout to a service with TLS and tokens, in three terminals. */
export const SECURE_SIDECAR: PageEntries = {
  page: "docs/secure-sidecar.md",
  blocks: [
    {
      begins: `export S=\${TMPDIR:-/tmp}/infobip-rpc-secure`,
      how: "run",
      terminals: ["first", "second", "third"],
    },
    {
      begins:
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \\",
      how: "run",
      terminals: ["first"],
    },
    {
      begins: 'npm run -s cli -- token new --json > "$S/new.json"',
      how: "run",
      terminals: ["first"],
    },
    {
      begins: "npm run -s cli -- simulate --port 8888 --api-key demo-key",
      how: "endless",
      terminal: "second",
      prints: [/^ready http/m],
      stops: "after the page",
    },
    {
      begins: "umask 077",
      how: "run",
      terminals: ["first"],
      prints: [/ok the configuration can be used/, /callers\.yaml: 1$/m],
    },
    {
      begins: 'npm run -s cli -- serve --config "$S/service.yaml"',
      how: "endless",
      terminal: "first",
      prints: [/^ready; /m],
      stops: "after the page",
    },
    {
      begins: 'npm run -s cli -- send --tls-ca "$S/tls.crt" --token-file "$S/token" \\',
      how: "run",
      terminals: ["third"],
      prints: [
        /^0\.0 {2}385910000001 {2}SENT {5}MESSAGE_ACCEPTED /m,
        / SMS +DELIVERED +final +385910000001 /,
      ],
    },
    {
      begins:
        'curl -s --cacert "$S/tls.crt" -H "authorization: Bearer $(cat "$S/token")" -H \'content-type: application/json\' \\',
      how: "run",
      terminals: ["third"],
      prints: [/"type":"EVENT_TYPE_SEND_RESULT"/, /"type":"EVENT_TYPE_DELIVERY_REPORT"/],
    },
  ],
};
