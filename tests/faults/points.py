"""points - Q1 and Q2 as rounds of ledger.py: every call of every daemon is its last one, or fails

crash: each call that a daemon makes for a transaction, killed there. errors: each of them with errors in rotation, so that
a run of some rounds has tried all of them with all ten.
"""

import random

from injection import DAEMONS, ERRORS, FILE_CALLS, KILL, OTHER_CALLS, Injector, Point, may_be_made_to_fail


def crash_points(daemon, calls):
    return [Point(daemon, call, when, KILL) for call, most in sorted(calls.items()) for when in range(1, most + 1)]


def error_points(daemon, calls):
    """Each call once, with an error that it may give."""
    points = []
    for call, most in sorted(calls.items()):
        errors = [e for e in ERRORS if may_be_made_to_fail(call, e)]
        if errors and call in FILE_CALLS + OTHER_CALLS:
            points += [Point(daemon, call, when, f"error={random.choice(errors)}") for when in range(1, most + 1)]
    return points


def walk(name, points_of, daemons):
    """Tries all the points; True when nothing went wrong."""
    wrong, tried = [], 0
    with Injector() as bench:
        for daemon in daemons:
            before = bench.injections
            points = points_of(daemon, bench.calls(daemon))
            for point in points:
                tried += 1
                if trouble := bench.try_point(point):
                    wrong.append(f"{point}: {trouble}")
            print(f"  {name}: {daemon}: {len(points)} points, {bench.injections - before} reached", flush=True)
        findings, more = bench.judge()
        print(f"  {name}: {tried} points, {bench.injections} reached, recovered within {bench.slowest:.1f} s; {findings}; "
              f"{len(bench.world.unfinished())} unfinished files left behind")
        reached = bench.injections
    for line in wrong + more:
        print(f"    {line}")
    return not wrong and not more and reached > tried / 2


def chosen(options):
    return options.daemons.split(",") if options.daemons else DAEMONS


def crash(options):
    return walk("crash", crash_points, chosen(options))


def errors(options):
    return walk("errors", error_points, [d for d in chosen(options) if d != "master"])
