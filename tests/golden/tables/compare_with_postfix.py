#!/usr/bin/env python3
"""compare_with_postfix - our postmap and postalias against those of Debian's Postfix, case by case

    tests/golden/tables/compare_with_postfix.py [folder with postfix*.deb]

Run by hand. Without a folder the packages are fetched with "apt-get download" (nothing is installed): they are unpacked
into a temporary directory and run from there. Each line of cases.txt runs in two copies of this folder; standard output,
exit status and messages must be the same. Warnings that only we give (names that exist nowhere) are left out.
"""

import difflib
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("UMAYA_BUILD", os.path.join(SOURCE, "build"))
PACKAGES = ["postfix", "postfix-lmdb", "postfix-pcre", "postfix-cdb", "libicu72", "libdb5.3", "libnsl2", "libsasl2-2"]
OURS_ONLY = re.compile(r"exists nowhere: no alias")


def unpack(work, folder):
    if folder is None:
        folder = os.path.join(work, "packages")
        os.mkdir(folder)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    root = os.path.join(work, "root")
    for package in glob.glob(os.path.join(folder, "*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    return root


def prepare(work, root):
    """Two directories of commands named postmap and postalias, each with a configuration of its own."""
    settings = "myhostname = mx.example.com\nmydomain = example.com\n"
    theirs, ours = os.path.join(work, "theirs"), os.path.join(work, "ours")
    libraries = f"{root}/usr/lib/postfix:{root}/usr/lib/x86_64-linux-gnu"
    for directory, text, program in (
            (theirs, settings + f"compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n"
             f"default_privs = nobody\nmeta_directory = {theirs}\nshlib_directory = {root}/usr/lib/postfix\n",
             f"LD_LIBRARY_PATH={libraries} exec {root}/usr/sbin/"),
            (ours, settings + f"maillog_file = {ours}/log\nqueue_directory = {ours}\n", f"exec {BUILD}/bin/")):
        os.mkdir(directory)
        with open(f"{directory}/main.cf", "w") as f:
            f.write(text)
        open(f"{directory}/master.cf", "w").close()
        for name in ("postmap", "postalias"):
            with open(f"{directory}/{name}", "w") as f:
                f.write(f"#!/bin/sh\n{program}{name} -c {directory} \"$@\"\n")
            os.chmod(f"{directory}/{name}", 0o755)
    shutil.copy(f"{root}/usr/share/postfix/dynamicmaps.cf", theirs)
    return theirs, ours


def run(line, commands, folder):
    environment = dict(os.environ, PATH=f"{commands}:{os.environ['PATH']}")
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True,
                          errors="replace")
    messages = [text for text in done.stderr.splitlines() if not OURS_ONLY.search(text)]
    return done.returncode, done.stdout.splitlines(), messages


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        theirs, ours = prepare(work, unpack(work, sys.argv[1] if len(sys.argv) > 1 else None))
        folders = [shutil.copytree(HERE, os.path.join(work, f"files{i}")) for i in (1, 2)]
        with open(os.path.join(HERE, "cases.txt")) as f:
            cases = [line.strip() for line in f if line.strip() and not line.startswith("#")]
        different = 0
        for line in cases:
            expected, got = run(line, theirs, folders[0]), run(line, ours, folders[1])
            if expected == got:
                continue
            different += 1
            print(line)
            as_lines = [[f"status {r[0]}", *r[1], *r[2]] for r in (expected, got)]
            print("\n".join(difflib.unified_diff(*as_lines, "Postfix", "Umaya", lineterm="", n=0)))
        print(f"{len(cases)} cases, {different} different")
        return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
