#!/usr/bin/env python3
"""Layers: an #include goes down the levels, never across daemons. Ends with 1 and a list when one does not.

LEVELS is the order of libcommon; a folder includes folders of smaller numbers, and itself. Daemons include libcommon
and their own folder; commands may also include a daemon's params.h and events.h; tests and bench may include anything.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEVELS = {
    "base": 0,
    "log": 1, "fs": 1,
    "event": 2, "config": 2,
    "net": 3,
    "ipc": 4, "message": 4, "smtp": 4, "dns": 4,
    "table": 5, "queue": 5, "mailbox": 5, "auth": 5, "tls": 5,
    "route": 6, "services": 6, "databases": 6,
    "daemon": 7,
}
# Which folder may include the headers of a C library.
OWNERS = {
    "event2/": {"libcommon/event"},
    "openssl/ssl.h": {"libcommon/tls"},
    "ldns/": {"libcommon/dns", "named-lite"},
    "lmdb.h": {"libcommon/table", "named-lite"},
    "cdb.h": {"libcommon/table"},
    "pcre2.h": {"libcommon/table"},
    "sqlite3.h": {"libcommon/databases"},
    "libpq-fe.h": {"libcommon/databases"},
    "mysql.h": {"libcommon/databases"},
    "ldap.h": {"libcommon/databases"},
    "argon2.h": {"libcommon/auth"},
    "crypt.h": {"libcommon/auth"},
    "security/": {"authd"},
}
SHARED_BY_COMMANDS = {"params.h", "events.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
FREE = {"tests", "bench", "tools"}


def folder_of(path):
    """"libcommon/config", "smtpd", "commands/postconf"."""
    parts = pathlib.PurePath(path).parts
    deep = parts[0] in ("libcommon", "commands") and len(parts) > 2
    return "/".join(parts[:2]) if deep else parts[0]


def allowed(source, target, header):
    if source == target or source.split("/")[0] in FREE:
        return True
    if source.startswith("libcommon/"):
        if not target.startswith("libcommon/"):
            return False
        return LEVELS.get(target.split("/")[1], 99) < LEVELS.get(source.split("/")[1], -1)
    if target.startswith("libcommon/"):
        return True
    return source.startswith("commands") and pathlib.PurePath(header).name in SHARED_BY_COMMANDS


def problems_in(path):
    source = folder_of(path.relative_to(ROOT))
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        ours, system = match.groups()
        where = f"{path.relative_to(ROOT)}:{number}"
        if ours:
            if "/" not in ours or not (ROOT / ours).exists():
                yield f'{where}: "{ours}": include by the full path from the top of the tree'
            elif not allowed(source, folder_of(ours), ours):
                yield f'{where}: "{ours}": {source} may not include {folder_of(ours)}'
        for prefix, owners in OWNERS.items():
            if system and system.startswith(prefix) and source not in owners and source.split("/")[0] not in FREE:
                yield f"{where}: <{system}>: only {', '.join(sorted(owners))} may include it"


def sources():
    for path in sorted(ROOT.rglob("*")):
        if path.suffix in (".cc", ".h") and not path.relative_to(ROOT).parts[0].startswith(("build", ".")):
            yield path


def main():
    found = [problem for path in sources() for problem in problems_in(path)]
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
