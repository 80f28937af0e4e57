"""cpu - CPU seconds and memory of a tree of processes

CpuMeter puts the processes that it is told about into a cgroup of their own (version 1 or 2) and reads the group's
clock, which misses no short-lived child. Where cgroups cannot be written it sums /proc/PID/stat of the tree instead.
"""

import os
import time


def children_of(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(p) for p in f.read().split()]
        except OSError:
            pass
    return found


def tree(pid):
    """pid and all its descendants that still run."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        try:
            todo += children_of(one)
            found.append(one)
        except OSError:
            pass
    return found


def pss_kib(pids):
    """Proportional resident memory of the processes together."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def rss_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
        except OSError:
            pass
    return total


class CpuMeter:
    PLACES = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage"), ("/sys/fs/cgroup/unified", "cpu.stat"),
              ("/sys/fs/cgroup", "cpu.stat"))

    def __init__(self, name):
        self.directory = None
        for place, clock in self.PLACES:
            directory = f"{place}/umaya-bench-{name}-{os.getpid()}"
            try:
                os.mkdir(directory)
            except OSError:
                continue
            if os.path.exists(f"{directory}/{clock}"):
                self.directory, self.clock = directory, clock
                break
            os.rmdir(directory)

    def join(self):
        """For preexec_fn: the process that is about to run a server enters the group."""
        if self.directory:
            with open(f"{self.directory}/cgroup.procs", "w") as f:
                f.write("0")

    def seconds(self, root_pid):
        """CPU time used so far by everything below root_pid."""
        if self.directory:
            with open(f"{self.directory}/{self.clock}") as f:
                text = f.read()
            if self.clock == "cpuacct.usage":
                return int(text) / 1e9
            return int(text.split("usage_usec", 1)[1].split()[0]) / 1e6
        ticks = 0
        for pid in tree(root_pid):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                ticks += sum(int(v) for v in fields[11:15])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def close(self):
        """Removes the group; waits a little for the last process to leave it."""
        for _ in range(500 if self.directory else 0):
            try:
                return os.rmdir(self.directory)
            except OSError:
                time.sleep(0.01)
