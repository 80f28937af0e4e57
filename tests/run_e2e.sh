#!/bin/sh
# The end-to-end stories, against the build in the given folder: tests/run_e2e.sh build [name of a test …]
# All of them run in two lanes (run_lanes.py), named ones in their order.
# In a sanitizer build every report is a failure, also of programs that no story looks after.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
UMAYA_BUILD=$(cd "${1:?usage: run_e2e.sh build-folder [test …]}" && pwd)
export UMAYA_BUILD PYTHONDONTWRITEBYTECODE=1
shift
if [ -d "$UMAYA_BUILD/sanitizer-reports" ]; then
  export UMAYA_PATIENCE="${UMAYA_PATIENCE:-5}"
  "$here/sanitizer_reports.sh" "$UMAYA_BUILD" clear
fi
cd "$here/e2e"
status=0
if [ $# -gt 0 ]; then
  python3 -m unittest "$@" || status=$?
else
  python3 ../run_lanes.py || status=$?
fi
"$here/sanitizer_reports.sh" "$UMAYA_BUILD" || status=1
exit "$status"
