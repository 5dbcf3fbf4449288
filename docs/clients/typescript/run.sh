#!/bin/sh
# Makes the stubs and runs the program with Node: ./run.sh all
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../stubs.sh"

stubs "$here/build" --es_out="$here/build" --es_opt=target=js+dts,import_extension=js
[ "${1-}" = build ] && exec tsc -p "$here"
exec node "$here/client.ts" "$@"
