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
# AddressSanitizer remarks once a process that it does not know the stacks on which OpenSSL runs handshakes.
remark='__asan_handle_no_return|^False positive error reports may follow|sanitizers/issues/189'
count=0
for report in "$reports"/*; do
  grep -qvE "$remark" "$report" || continue
  count=$((count + 1))
  echo "== $report"
  cat "$report"
done
[ "$count" -gt 0 ] || exit 0
echo "FAILED: $count reports of the sanitizers in $reports"
exit 1
