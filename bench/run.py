#!/usr/bin/env python3
"""run - Umaya against Debian's Postfix on this machine, in turn, on the same work

    bench/run.py [--build DIR] [--pairs 5] [--messages 3000] [--only relay,maildir,…] [--servers postfix,umaya]
                 [--json FILE]

Postfix is unpacked from its package into the build folder and run there, with its users known only inside private
namespaces; nothing is installed and nothing stays. Needs root. Each scenario is run in pairs (one run of each server,
in alternating order); the figures are medians over the pairs, and the ratio is the median of the pairs' ratios.
"""

import argparse
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "support")]

import sandbox  # noqa: E402
import scenarios  # noqa: E402
from servers import Postfix, Umaya  # noqa: E402

PACKAGES = ["postfix"]
LIST_MEMBERS = 1000
# name: (function, size of the work, pairs at most, figure that is compared, "more" or "less" is better, goal)
PLAN = {
    "relay": (scenarios.relay, "messages", 99, "more"),
    "maildir": (scenarios.maildir, "messages", 99, "more"),
    "list-local": (scenarios.list_local, LIST_MEMBERS, 3, "less"),
    "list-remote": (scenarios.list_remote, 10000, 3, "less"),
    "idle": (scenarios.idle, 2000, 1, "less"),
}
POSTFIX_IDLE_SESSIONS = 200  # one process each: enough to see what one costs


def arguments():
    parser = argparse.ArgumentParser(description="Compare Umaya with Debian's Postfix on this machine.")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--only", default=",".join(PLAN))
    parser.add_argument("--servers", default="postfix,umaya")
    parser.add_argument("--json", help="write every run's figures to this file")
    return parser.parse_args()


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


def run_scenario(name, servers, options):
    function, size, most, _ = PLAN[name]
    if size == "messages":
        size = options.messages
    runs = {server.name: [] for server in servers}
    for pair in range(min(options.pairs, most)):
        for server in servers if pair % 2 == 0 else reversed(servers):
            amount = POSTFIX_IDLE_SESSIONS if name == "idle" and server.name == "postfix" else size
            runs[server.name].append(function(server, amount))
            shown = "  ".join(f"{k} {v:.2f}" for k, v in runs[server.name][-1].items())
            print(f"  {name} {pair + 1} {server.name}: {shown}", flush=True)
    return runs


def report(name, runs):
    print(f"{name}: medians")
    for figure in next(iter(runs.values()))[0]:
        parts = [f"{server} {statistics.median(r[figure] for r in rows):.2f}" for server, rows in runs.items()]
        if len(runs) == 2:
            ratios = [u[figure] / p[figure] for p, u in zip(runs["postfix"], runs["umaya"]) if p[figure]]
            if ratios:
                parts.append(f"umaya/postfix {statistics.median(ratios):.2f}")
        print(f"  {figure:34s} " + "   ".join(parts), flush=True)


def main():
    options = arguments()
    reason = sandbox.can_enter()
    if reason:
        print(f"bench: skipped: {reason}")
        return 0
    build = os.path.abspath(options.build)
    work = os.path.join(build, "bench")
    os.makedirs(work, exist_ok=True)
    roots = sandbox.download(PACKAGES, os.path.join(build, "peers"))
    sandbox.enter()
    sandbox.add_packages(roots)
    accounts(work)
    log_socket = sandbox.syslog_sink(sandbox.private_dev(work))
    made = {"postfix": lambda: Postfix(work), "umaya": lambda: Umaya(work, build)}
    servers = [made[name]() for name in options.servers.split(",")]
    results = {}
    for name in options.only.split(","):
        results[name] = run_scenario(name, servers, options)
        report(name, results[name])
    log_socket.close()
    if options.json:
        with open(options.json, "w") as f:
            json.dump(results, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
