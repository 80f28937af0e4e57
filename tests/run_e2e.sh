#!/bin/sh
# The end-to-end stories, against the build in the given folder: tests/run_e2e.sh build [name of a test …]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
UMAYA_BUILD=$(cd "${1:?usage: run_e2e.sh build-folder [test …]}" && pwd)
export UMAYA_BUILD PYTHONDONTWRITEBYTECODE=1
case "$UMAYA_BUILD" in *asan*) export UMAYA_PATIENCE="${UMAYA_PATIENCE:-5}" ;; esac
shift
cd "$here/e2e"
if [ $# -gt 0 ]; then exec python3 -m unittest "$@"; fi
exec python3 -m unittest discover -p '*_test.py'
