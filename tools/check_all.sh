#!/bin/bash
# make check: unit tests and fuzz corpora, the layers and texts, the end-to-end stories. Ends with "N passed, M failed".
set -u
build=${1:?usage: check_all.sh build-folder}
passed=0 failed=0
step() {
  local name=$1 start=$SECONDS
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "== $name: passed ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1))
    echo "== $name: FAILED ($((SECONDS - start)) s)"
  fi
}
step "unit tests and fuzz corpora" ctest --test-dir "$build" --output-on-failure -j"$(nproc)"
[ -x tools/lint.sh ] && step "lint" tools/lint.sh "$build"
[ -x tests/run_e2e.sh ] && step "end-to-end tests" tests/run_e2e.sh "$build"
step "the fault harness's accounts" sh -c "cd tests/faults && python3 -B accounts_test.py -q"
step "demo" "$build/bin/umaya" demo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
