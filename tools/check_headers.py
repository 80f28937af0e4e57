#!/usr/bin/env python3
"""check_headers.py BUILD: every header compiles alone.

The build has proved that already for a header that is the first include of a source file. For each other header a stub
is written into BUILD/headers, and ninja compiles what has changed since the last time.
"""

import json
import pathlib
import shlex
import subprocess
import sys

from check_includes import INCLUDE, ROOT, sources


def compile_flags(build):
    """Definitions and include folders of the build, without the parts that name one file."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if "/libcommon/daemon/" in entry["file"] and "-c" in words:
            return [word for word in words if word.startswith(("-I", "-isystem", "-D", "-std", "-W", "-f"))]
    return ["-std=c++23", f"-I{ROOT}"]


def pkg_flags():
    names = ["libevent_core", "libssl", "ldns", "lmdb", "libpcre2-8", "libidn2", "fmt"]
    found = subprocess.run(["pkg-config", "--cflags", *names], capture_output=True, text=True)
    return shlex.split(found.stdout)


def first_include(path):
    for line in path.read_text(errors="replace").splitlines():
        match = INCLUDE.match(line)
        if match:
            return match[1] or match[2]
    return None


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    out = build / "headers"
    out.mkdir(exist_ok=True)
    flags = shlex.join([*compile_flags(build), *pkg_flags(), "-fsyntax-only", "-Wno-unused-function", "-DUMAYA_SOURCE_DIR=\"\""])
    lines = ["ninja_required_version = 1.5",
             f"rule check\n  command = g++ {flags} -MD -MF $out.d -MT $out $in && touch $out",
             "  depfile = $out.d\n  deps = gcc\n  description = header $in"]
    proved = {first_include(path) for path in sources() if path.suffix == ".cc"}
    for header in (path for path in sources() if path.suffix == ".h"):
        name = str(header.relative_to(ROOT))
        if name in proved:
            continue
        stub = out / (name.replace("/", "_") + ".cc")
        text = f'#include "{name}"\n'
        if not stub.exists() or stub.read_text() != text:
            stub.write_text(text)
        lines.append(f"build {stub.name}.ok: check {stub}")
    (out / "build.ninja").write_text("\n".join(lines) + "\n")
    run = subprocess.run(["ninja", "-C", str(out), "-k", "0", "--quiet"], capture_output=True, text=True)
    problems = [line for line in run.stdout.splitlines() if "error:" in line]
    print("\n".join(problems or (run.stdout.splitlines()[-20:] if run.returncode else [])), end="")
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
