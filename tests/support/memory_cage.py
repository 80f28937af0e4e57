"""memory_cage - lets the kernel's out-of-memory killer take one process, as on a machine that is full

    kill_by_oom(pid)      # True: the kernel killed it; False: there is no memory controller that we may use

The process is moved into a control group (version 1 or 2) of a few MiB, is made the kernel's first choice, and other
processes fill the group until it is gone. Needs root.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

LIMIT = 24 << 20
FILL = """
import sys, time
open(sys.argv[1], "w").write("0\\n")
kept = []
for _ in range(12):
    kept.append(bytearray(b"x") * (1 << 20))
    time.sleep(0.001)
time.sleep(2)
"""


def _group():
    """(directory of a new group, file of its limit), or None."""
    for top, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        with contextlib.suppress(OSError):
            directory = tempfile.mkdtemp(prefix="umaya-oom-", dir=top)
            try:
                with open(os.path.join(directory, limit), "w") as f:
                    f.write(str(LIMIT))
                return directory
            except OSError:
                os.rmdir(directory)
    return None


def available():
    directory = _group()
    if directory:
        os.rmdir(directory)
    return directory is not None


def kill_by_oom(pid):
    directory = _group()
    if directory is None:
        return False
    members = os.path.join(directory, "cgroup.procs")
    fillers = []
    try:
        with open(f"/proc/{pid}/oom_score_adj", "w") as f:
            f.write("1000")
        with open(members, "w") as f:
            f.write(str(pid))
        # Several, each of them smaller than what makes the other the first choice.
        fillers += [subprocess.Popen([sys.executable, "-S", "-c", FILL, members]) for _ in range(3)]
        end = time.monotonic() + 10
        while _runs(pid) and time.monotonic() < end:
            time.sleep(0.005)
        return not _runs(pid)
    finally:
        for filler in fillers:
            filler.kill()
            filler.wait()
        for _ in range(100):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
                break
            time.sleep(0.01)


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
