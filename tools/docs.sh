#!/bin/sh
# docs.sh [BUILD [OUT]]: writes the generated pages under OUT, by default into the tree: man/*.1, man/*.8, man/main.cf.5,
# docs/parameters.md, docs/route.md. Pages that are written by hand (the other man/*.5, docs/*.md) are left alone.
set -eu
cd "$(dirname "$0")/.."
out=${2:-.}
export PYTHONDONTWRITEBYTECODE=1
python3 tools/mkman.py "$out/man"
python3 tools/mkparams.py "$out/man" "$out/docs"
python3 tools/mkroute.py "$out/docs"
