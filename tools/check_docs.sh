#!/bin/sh
# check_docs.sh: fails when a generated page in the tree differs from what docs.sh would write now.
set -eu
cd "$(dirname "$0")/.." || exit 1
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
tools/docs.sh build "$new"
status=0
for page in $(cd "$new" && find . -type f | sort); do
  if ! cmp -s "$new/$page" "$page"; then
    echo "$page is out of date: run make docs"
    status=1
  fi
done
for page in man/*.1 man/*.8; do
  [ -f "$new/$page" ] || { echo "$page belongs to no program: remove it"; status=1; }
done
exit $status
