"""pairs - the frame of a comparison: two servers in turn on one machine, medians over pairs of runs

    parser = pairs.arguments("Compare …", PLAN, "dovecot,umaya")          # more options can be added
    options = parser.parse_args()
    work = pairs.enter("bench-pop3", options, PACKAGES)                     # None: cannot run here, and why was said
    pairs.compare(options, servers, pairs_of, measure)                      # measure(name, server) -> {figure: value}

enter() unpacks the peer's packages into the build folder and goes into private namespaces; servers have .name.
"""

import argparse
import json
import os
import resource
import statistics

import sandbox

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments(description, plan, servers):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", default=",".join(plan), help="scenarios, separated by commas")
    parser.add_argument("--servers", default=servers)
    parser.add_argument("--json", help="write every run's figures to this file")
    return parser


def enter(title, options, packages):
    """Gives the folder for what the servers write."""
    reason = sandbox.can_enter()
    if reason:
        print(f"{title}: skipped: {reason}")
        return None
    options.build = os.path.abspath(options.build)
    work = os.path.join(options.build, title)
    os.makedirs(work, exist_ok=True)
    roots = sandbox.download(packages, os.path.join(options.build, "peers"))
    sandbox.enter()
    sandbox.add_packages(roots)
    return work


def prepare_mailboxes(work, owner):
    """Accounts of Dovecot, of Umaya, and of the owner of all mailboxes; descriptors for thousands of sessions."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = [("dovecot", 19006), ("dovenull", 19007), ("vmail", owner), ("umaya", 19003), ("umayanet", 19005)]
    sandbox.add_accounts(work, [(name, number, number, "/nonexistent") for name, number in names],
                         names + [("umayadrop", 19004)])


def started(measure):
    """measure(name, server), with the server started before and stopped after it."""
    def run(name, server):
        server.start()
        try:
            return measure(name, server)
        finally:
            server.stop()
    return run


def in_turn(name, servers, count, measure):
    """Server name -> its figures of each run."""
    runs = {server.name: [] for server in servers}
    for pair in range(count):
        for server in servers if pair % 2 == 0 else reversed(servers):
            figures = measure(name, server)
            runs[server.name].append(figures)
            shown = "  ".join(f"{figure} {value:.3f}" for figure, value in figures.items())
            print(f"  {name} {pair + 1} {server.name}: {shown}", flush=True)
    return runs


def report(name, runs):
    """Medians of each server, and with two the median of the pairs' ratios, ours to theirs."""
    theirs = [server for server in runs if server != "umaya"]
    for figure in next(iter(runs.values()))[0]:
        parts = [f"{server} {statistics.median(run[figure] for run in rows):.3f}" for server, rows in runs.items()]
        if "umaya" in runs and len(theirs) == 1:
            ratios = [our[figure] / their[figure] for their, our in zip(runs[theirs[0]], runs["umaya"]) if their[figure]]
            if ratios:
                parts.append(f"umaya/{theirs[0]} {statistics.median(ratios):.3f}")
        print(f"{name}: {figure}: " + "   ".join(parts), flush=True)


def compare(options, servers, pairs_of, measure):
    """pairs_of(name): how many pairs at most."""
    results = {}
    for name in options.only.split(","):
        results[name] = in_turn(name, servers, min(options.pairs, pairs_of(name)), measure)
        report(name, results[name])
    if options.json:
        with open(options.json, "w") as f:
            json.dump(results, f, indent=1)
