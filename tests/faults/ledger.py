#!/usr/bin/env python3
"""ledger - what was acknowledged must exist: kills, power cuts, full disks, missing descriptors

    tests/faults/ledger.py [--build DIR] [--only calm,kill,crash,errors,power,enospc,emfile,mutation] [--rounds 200]
                           [--power-rounds 50] [--senders 8] [--daemons smtpd,qmgr] [--seed N]

Senders write a line for each message that was acknowledged (250, or exit 0 of sendmail) to a ledger outside of the file
systems under test. Its recipients are users, a list, some who put mail off or refuse it for good, and users of a next
host. After the faults the instance is left in peace; then every recipient of every line must be accounted for: in the
mailbox or taken by the next host byte for byte, waiting in the queue, or returned to its sender. Copies may not exceed
the crashes (kill), and one for each recipient and crash (power). accounts.py counts; accounts_test.py tests it.

calm      no fault: no loss and no copy
kill      kill -9 of a random daemon (master included) again and again under load
crash     kill -9 of a daemon at each system call that it makes for a message (Q1, injection.py)
errors    each of these calls fails, with the errors of a broken or full disk, too many files, no memory (Q2)
power     Q3: the file systems lose power (EXT4_IOC_SHUTDOWN without flushing the journal) under load, queue and mailboxes on
          one file system and on two; needs root and loop devices
enospc    the file system fills up under load and is emptied again
emfile    few descriptors for each daemon, more clients than that
mutation  the power cut once more with every fsync taken out (a preloaded library): the harness must find losses
"""

import argparse
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "support"), HERE]


def arguments():
    parser = argparse.ArgumentParser(description="Count messages through faults.")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--only", default="calm,kill,crash,errors,power,enospc,emfile,mutation")
    parser.add_argument("--rounds", type=int, default=200, help="kills")
    parser.add_argument("--power-rounds", type=int, default=50, help="power cuts for each layout of file systems")
    parser.add_argument("--daemons", default="", help="crash, errors: these only")
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def main():
    options = arguments()
    os.environ["UMAYA_BUILD"] = os.path.abspath(options.build)
    import rounds  # after UMAYA_BUILD is known

    random.seed(options.seed)
    print(f"seed {options.seed}")
    failed = []
    for name in options.only.split(","):
        start = time.monotonic()
        result = getattr(rounds, name)(options)
        verdict = "skipped" if result is None else "passed" if result else "FAILED"
        print(f"{name}: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
        if result is False:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
