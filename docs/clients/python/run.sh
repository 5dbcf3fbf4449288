#!/bin/sh
# Makes the stubs and runs the program: ./run.sh all
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../stubs.sh"

stubs "$here/build" --python_out="$here/build" --grpc_python_out="$here/build" \
  --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)"
[ "${1-}" = build ] && exit
export PYTHONPATH="$here/build" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 "$here/client.py" "$@"
