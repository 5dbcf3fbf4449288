#!/bin/sh
# Makes the stubs, compiles and runs the program: ./run.sh all
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../stubs.sh"

stubs "$here/build/stubs" --cpp_out="$here/build/stubs" --grpc_out="$here/build/stubs" \
  --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)"
make -s -j "$(nproc)" -C "$here" >&2
[ "${1-}" = build ] && exit
exec "$here/build/client" "$@"
