#!/bin/sh
# Makes the stubs and runs the program: ./run.sh all
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../stubs.sh"
google_rpc= # the gem googleapis-common-protos-types has it

stubs "$here/build" --ruby_out="$here/build" --grpc_out="$here/build" \
  --plugin=protoc-gen-grpc="$(command -v grpc_ruby_plugin)"
[ "${1-}" = build ] && exit
exec /usr/bin/ruby -I "$here/build" "$here/client.rb" "$@"
