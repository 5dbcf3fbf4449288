import { ROOT } from "./block.ts";

/** Ports of the page's addresses by what the program takes when nobody says anything. */
export interface DefaultPorts {
  readonly grpc: number;
  readonly http: number;
  readonly webhook: number;
  readonly admin: number;
}

const BASH = "#!/usr/bin/env bash\nset -euo pipefail\n";
const MAIN = `${ROOT}src/main.ts`;

/** The program. Its default addresses are others, so that pages can run beside each other. */
function program(ports: DefaultPorts): string {
  return `${BASH}
target=()
case "\${1:-} \${2:-}" in
  "send "*|"submit "*|"watch "*|"message "*|"events "*|"submission "*) target=(--target 127.0.0.1:${ports.grpc}) ;;
  "serve "*|"health "*|"config "*)
    export INFOBIP_RPC_GRPC_LISTEN=127.0.0.1:${ports.grpc} INFOBIP_RPC_HTTP_LISTEN=127.0.0.1:${ports.http}
    export INFOBIP_RPC_WEBHOOK_LISTEN=127.0.0.1:${ports.webhook} INFOBIP_RPC_ADMIN_LISTEN=127.0.0.1:${ports.admin} ;;
esac
for argument in "$@"; do [ "$argument" = --target ] && target=(); done
exec "${process.execPath}" ${MAIN} "$@" "\${target[@]}"
`;
}

/** npm, without what it would fetch or what the whole test run does by itself. */
const NPM = `${BASH}
refuse() { echo "test/docs-commands: the stand-in for npm does not know this: npm $*" >&2; exit 64; }
case "\${1:-}" in
  ci|cit) [ $# -eq 1 ] || refuse "$@" ;;
  install|i) [ $# -eq 1 ] || [ "\${2#infobip-rpc}" != "$2" ] || refuse "$@" ;;
  start) exec infobip-rpc serve ;;
  run)
    shift
    [ "\${1:-}" = -s ] && shift
    script=\${1:-}; shift
    case "\${1:-}" in --) shift ;; "") ;; *) refuse "run $script $*: arguments of a script come after --" ;; esac
    case "$script" in
      cli) exec infobip-rpc "$@" ;;
      demo) exec infobip-rpc demo "$@" ;;
      bundle) mkdir -p dist && touch dist/infobip-rpc.mjs ;;
      *) refuse "run $script" ;;
    esac ;;
  *) refuse "$@" ;;
esac
`;

const NPX = `${BASH}
[ "\${1:-}" = infobip-rpc ] || { echo "test/docs-commands: the stand-in for npx knows infobip-rpc only" >&2; exit 64; }
shift
exec infobip-rpc "$@"
`;

const GRPCURL = `${BASH}
exec "${process.execPath}" ${ROOT}test/docs-commands/grpcurl.ts "$@"
`;

/** systemd, as far as that a unit which is enabled must have been installed. */
function systemctl(folder: string): string {
  return `${BASH}
[ "\${1:-} \${2:-}" = "enable --now" ] || { echo "test/docs-commands: the stand-in for systemctl knows enable --now only" >&2; exit 64; }
[ -f "${folder}/etc/systemd/system/\${3%.service}.service" ]
`;
}

/** Programs that come first on the PATH of a page's commands, by name. */
export function standIns(folder: string, ports: DefaultPorts): Readonly<Record<string, string>> {
  return {
    "infobip-rpc": program(ports),
    npm: NPM,
    npx: NPX,
    grpcurl: GRPCURL,
    systemctl: systemctl(folder),
  };
}
