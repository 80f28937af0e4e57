#!/bin/sh
# Prints what the programs of a sanitizer build have reported, and fails when that is anything:
# tests/sanitizer_reports.sh build-asan. With "clear" behind the folder: removes the reports.
set -eu
reports=${1:?usage: sanitizer_reports.sh build-folder [clear]}/sanitizer-reports
[ -d "$reports" ] || exit 0
if [ "${2:-}" = clear ]; then
  rm -f "$reports"/*
  exit 0
fi
[ "$(ls -A "$reports")" ] || exit 0
for report in "$reports"/*; do
  echo "== $report"
  cat "$report"
done
echo "FAILED: $(find "$reports" -type f | wc -l) reports of the sanitizers in $reports"
exit 1
