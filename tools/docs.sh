#!/bin/sh
# docs.sh [BUILD [OUT]]: writes the generated pages under OUT, by default into the tree: man/*.1, man/*.5, man/*.8,
# docs/parameters.md, docs/route.md. Only man/master.cf.5 and the other pages of docs/ are written by hand.
set -eu
cd "$(dirname "$0")/.." || exit 1
out=${2:-.}
export PYTHONDONTWRITEBYTECODE=1
python3 tools/mkman.py "$out/man"
python3 tools/mkparams.py "$out/man" "$out/docs"
python3 tools/mkroute.py "$out/docs"
