#!/bin/sh
# Runs the program; there is nothing to build: ./run.sh all
set -eu
[ "${1-}" = build ] && exit
exec bash "$(dirname "$(readlink -f "$0")")/client.sh" "$@"
