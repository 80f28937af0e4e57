#!/usr/bin/env python3
"""run_lanes - the end-to-end stories of a folder, several modules at a time: run_lanes.py [lanes]

Each module runs in a process of its own, the longest first (as the last run in this build took; without one, the largest
file). A lane has ports of its own (UMAYA_LANE, umaya_instance.free_port). Ends with the count and the names of what failed.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "e2e")
BUILD = os.environ["UMAYA_BUILD"]
SECONDS = os.path.join(BUILD, "e2e-seconds.json")
COUNT = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
SKIPPED = re.compile(r"skipped=(\d+)")
FAILED = re.compile(r"^(?:FAIL|ERROR): (\S+ \S+)", re.MULTILINE)


def modules():
    return sorted(name[:-3] for name in os.listdir(HERE) if name.endswith("_test.py"))


def last_seconds():
    """What each module took, by the last run; sizes of files, scaled down, for those that it does not have."""
    known = {}
    if os.path.exists(SECONDS):
        with open(SECONDS) as f:
            known = json.load(f)
    return {m: known.get(m, os.path.getsize(os.path.join(HERE, m + ".py")) / 1000) for m in modules()}


class Runner:
    def __init__(self):
        self.lock = threading.Lock()
        self.seconds = {}
        self.tests = self.skipped = 0
        self.failed = []

    def run(self, module, lane):
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "unittest", module], cwd=HERE, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "UMAYA_LANE": str(lane)})
        with self.lock:
            self.seconds[module] = round(time.monotonic() - start, 1)
            self.note(module, done)

    def note(self, module, done):
        count = COUNT.search(done.stdout)
        skipped = SKIPPED.search(done.stdout)
        self.tests += int(count[1]) if count else 0
        self.skipped += int(skipped[1]) if skipped else 0
        print(f"{module}: {count[1] if count else 'no'} tests, {self.seconds[module]} s"
              f"{'' if done.returncode == 0 else ', FAILED'}", flush=True)
        if done.returncode != 0 or not count:
            self.failed += FAILED.findall(done.stdout) or [module]
            print(done.stdout, flush=True)

    def run_lane(self, lane, waiting):
        while True:
            with self.lock:
                if not waiting:
                    return
                module = waiting.pop(0)
            self.run(module, lane)

    def run_all(self, lanes):
        expected = last_seconds()
        order = sorted(expected, key=expected.get, reverse=True)
        threads = [threading.Thread(target=self.run_lane, args=(lane, order)) for lane in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main():
    lanes = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    start = time.monotonic()
    runner = Runner()
    runner.run_all(lanes)
    with open(SECONDS, "w") as f:
        json.dump(runner.seconds, f, indent=1)
    print(f"Ran {runner.tests} tests in {time.monotonic() - start:.0f} s, {lanes} lanes; skipped {runner.skipped}, "
          f"failed {len(runner.failed)}")
    for name in runner.failed:
        print(f"  {name}")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
