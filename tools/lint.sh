#!/bin/sh
# lint.sh [BUILD]: layers, banned calls and sizes, parameters, headers, format, scripts, generated pages.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
export PYTHONDONTWRITEBYTECODE=1
status=0
step() {
  name=$1
  shift
  if "$@"; then echo "lint: $name: fine"; else echo "lint: $name: FAILED"; status=1; fi
}
format() {
  command -v clang-format >/dev/null || { echo "clang-format is not installed: format is not checked"; return 0; }
  bad=$(git ls-files '*.cc' '*.h' | xargs -n 100 clang-format --dry-run -Werror 2>&1 |
    sed -n 's/^\([^ :]*\.\(cc\|h\)\):[0-9]*:.*error:.*/\1/p' | sort -u)
  [ -z "$bad" ] && return 0
  echo "run clang-format -i on these:"
  echo "$bad"
  return 1
}
scripts() {
  command -v shellcheck >/dev/null || { echo "shellcheck is not installed: scripts are not checked"; return 0; }
  git ls-files '*.sh' | xargs -r shellcheck -S warning
}
step "the checks themselves" python3 tools/tools_test.py -q
step "layers" python3 tools/check_includes.py
step "banned calls and sizes" python3 tools/check_source.py
step "parameters" python3 tools/check_params.py
step "headers compile alone" python3 tools/check_headers.py "$build"
step "format" format
step "scripts" scripts
step "RFCs that the code cites" python3 tools/check_rfcs.py
step "generated pages" tools/check_docs.sh
exit $status
