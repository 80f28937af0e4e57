#!/bin/sh
# Runs the fuzz targets with libFuzzer, ASan and UBSan: tools/fuzz.sh [executions for each target] [name …]
# Every target starts from its corpus in tests/fuzz/corpus; what it finds anew stays below build-fuzz/.
set -u
cd "$(dirname "$0")/.." || exit 1
runs=${1:-1000000}
export ASAN_OPTIONS="${ASAN_OPTIONS:-allow_addr2line=1}"  # names of functions without llvm-symbolizer
[ $# -gt 0 ] && shift
[ -f build-fuzz/build.ninja ] || cmake --preset fuzz >/dev/null || exit 1
names=${*:-$(ls tests/fuzz/*_fuzz.cc | sed 's|.*/||; s|_fuzz\.cc$||')}
targets=""
for name in $names; do targets="$targets fuzz/${name}_fuzz"; done
# shellcheck disable=SC2086
ninja -C build-fuzz $targets | tail -n 3 || exit 1
failed=""
for name in $names; do
  found=build-fuzz/found/$name
  mkdir -p "$found"
  dictionary=""
  [ -f "tests/fuzz/$name.dict" ] && dictionary="-dict=tests/fuzz/$name.dict"
  # shellcheck disable=SC2086
  if build-fuzz/fuzz/"${name}_fuzz" -runs="$runs" -max_len=65536 -timeout=30 -rss_limit_mb=2048 $dictionary \
    -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$name" >"$found.log" 2>&1; then
    echo "$name: $(grep -o '^Done.*' "$found.log" | tail -n 1)"
  else
    echo "$name: FAILED, see $found.log"
    tail -n 15 "$found.log"
    failed="$failed $name"
  fi
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
