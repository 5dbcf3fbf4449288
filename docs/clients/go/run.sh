#!/bin/sh
# Makes the stubs, builds the program with Debian's Go packages and runs it: ./run.sh all
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../stubs.sh"
out=$here/build/src/infobip-rpc-stubs
google_rpc= # google.golang.org/genproto has it, and Go takes no second copy

# The files name no Go package, so each folder becomes one.
go_packages() {
  echo google/rpc/status.proto=google.golang.org/genproto/googleapis/rpc/status
  proto_files | while read -r file; do echo "$file=infobip-rpc-stubs/$(dirname "$file")"; done
}
flags=$(go_packages | sed 's/.*/--go_opt=M& --go-grpc_opt=M&/')
stubs "$out" --go_out="$out" --go-grpc_out="$out" \
  --go_opt=module=infobip-rpc-stubs --go-grpc_opt=module=infobip-rpc-stubs $flags

# Debian installs Go packages as a GOPATH. With modules: go mod init, go get, go build.
export GO111MODULE=off GOPATH="$here/build:/usr/share/gocode" GOFLAGS=
(cd "$here" && go build -o build/client .)
[ "${1-}" = build ] && exit
exec "$here/build/client" "$@"
