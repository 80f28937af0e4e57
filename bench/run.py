#!/usr/bin/env python3
"""run - Umaya against Debian's Postfix on this machine, in turn, on the same work

    bench/run.py [--build DIR] [--pairs 5] [--messages 3000] [--only relay,maildir,…] [--servers postfix,umaya]
                 [--json FILE]

Postfix is unpacked from its package into the build folder and run there, with its users known only inside private
namespaces; nothing is installed and nothing stays. Needs root. Each scenario is run in pairs (one run of each server,
in alternating order); the figures are medians over the pairs, and the ratio is the median of the pairs' ratios.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "support")]

import pairs  # noqa: E402
import sandbox  # noqa: E402
import scenarios  # noqa: E402
from servers import Postfix, Umaya  # noqa: E402

PACKAGES = ["postfix"]
LIST_MEMBERS = 1000
# name: (function, size of the work, pairs at most)
PLAN = {
    "relay": (scenarios.relay, "messages", 99),
    "maildir": (scenarios.maildir, "messages", 99),
    "list-local": (scenarios.list_local, LIST_MEMBERS, 3),
    "list-remote": (scenarios.list_remote, 10000, 3),
    "idle": (scenarios.idle, 2000, 1),
}
POSTFIX_IDLE_SESSIONS = 200  # one process each: enough to see what one costs


def accounts(work):
    users = [("postfix", 19001, 19001, "/nonexistent"), ("umaya", 19003, 19003, "/nonexistent"),
             ("umayanet", 19005, 19005, "/nonexistent")]
    groups = [("postfix", 19001), ("postdrop", 19002), ("umaya", 19003), ("umayadrop", 19004), ("umayanet", 19005)]
    names = [f"u{i}" for i in range(scenarios.MAILBOXES)] + [f"m{i}" for i in range(LIST_MEMBERS)]
    for number, name in enumerate(names, 20000):
        home = os.path.join(work, "home", name)
        if not os.path.isdir(home):
            os.makedirs(home)
            os.chown(home, number, number)
        users.append((name, number, number, home))
        groups.append((name, number))
    sandbox.add_accounts(work, users, groups)


def main():
    parser = pairs.arguments("Compare Umaya with Debian's Postfix on this machine.", PLAN, "postfix,umaya")
    parser.add_argument("--messages", type=int, default=3000)
    options = parser.parse_args()
    work = pairs.enter("bench", options, PACKAGES)
    if work is None:
        return 0
    accounts(work)
    log_socket = sandbox.syslog_sink(sandbox.private_dev(work))
    made = {"postfix": lambda: Postfix(work), "umaya": lambda: Umaya(work, options.build)}
    servers = [made[name]() for name in options.servers.split(",")]

    def measure(name, server):
        function, size, _ = PLAN[name]
        if name == "idle" and server.name == "postfix":
            size = POSTFIX_IDLE_SESSIONS
        return function(server, options.messages if size == "messages" else size)

    pairs.compare(options, servers, lambda name: PLAN[name][2], measure)
    log_socket.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
