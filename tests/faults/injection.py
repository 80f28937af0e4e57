"""injection - one system call of one daemon fails, or is the last thing that the daemon does

    with Injector() as bench:
        bench.calls("cleanup")                                  # what it calls for one transaction: {"openat": 3, …}
        bench.try_point(Point("cleanup", "fsync", 1, KILL))     # None, or what went wrong
        bench.judge()                                           # accounts of everything that was sent

strace, attached to every process of the daemon, makes the call of that number fail in each of its threads; the call
itself is not made. A transaction is a message by SMTP (a user, a user of the next host, one whom the next host refuses,
so that a notice is made) and one by sendmail. What was not acknowledged is sent once more, as clients do. Afterwards all
of it has to be where it belongs: nothing lost, nothing damaged, nothing bounced because of the fault, at most one copy
for a crash; and mail is taken and delivered again within RECOVERY seconds.

strace is unpacked into the build folder when the system has none.
"""

import collections
import contextlib
import glob
import hashlib
import os
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
import threading
import time

import accounts
import sandbox
from load import Ledger, describe
from umaya_instance import BUILD, PATIENCE, is_zombie, wait_for
from world import DOMAIN, FAR, SPECIAL, USERS, World, places_of

KILL = "signal=SIGKILL"
ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM", "EINTR", "EAGAIN", "EFBIG", "ESTALE")
DAEMONS = ("smtpd", "cleanup", "qmgr", "smtp", "local", "become", "bounce", "pickup", "master")
RECOVERY = 5  # seconds until mail is taken and delivered again
# What changes something that others see: files, names, messages between processes, processes.
FILE_CALLS = ("openat", "write", "writev", "pwrite64", "fsync", "fdatasync", "ftruncate", "fchmod", "utimensat", "rename",
              "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "flock", "chdir", "read",
              "pread64", "getdents64")
OTHER_CALLS = ("sendmsg", "sendto", "recvmsg", "close", "clone", "clone3", "execve", "socket", "connect", "accept4",
               "setresuid", "setgroups", "pipe2")

Point = collections.namedtuple("Point", "daemon call when fault")  # fault: KILL or "error=EIO"


def strace():
    """The command line of strace, from the system or from its package."""
    if shutil.which("strace"):
        return ["strace"], {}
    roots = sandbox.download(["strace", "libunwind8", "liblzma5"], os.path.join(BUILD, "peers"))
    libraries = [path for root in roots for top in ("usr/lib", "lib") for path in glob.glob(f"{root}/{top}/*-linux-gnu*")]
    return [os.path.join(roots[0], "usr/bin/strace")], {"LD_LIBRARY_PATH": ":".join(libraries)}


def may_be_made_to_fail(call, error):
    """Whether a kernel could give this answer. close is made all the same; a socket that is ready is not EAGAIN."""
    if call in ("close", "recvmsg"):
        return False
    if error == "EAGAIN":
        return call in ("clone", "clone3", "flock", "setresuid")
    return error != "EINTR" or call not in ("rename", "unlink", "link", "mkdir", "fchmod", "utimensat", "clone", "clone3")


class Tracer:
    """strace on running processes, until the end of the block."""

    def __init__(self, pids, *options, children=True):
        command, environment = strace()
        self.output = tempfile.NamedTemporaryFile(prefix="umaya-strace-", suffix=".txt")
        arguments = [word for pid in pids for word in ("-p", str(pid))]
        self.process = subprocess.Popen([*command, *(["-f"] if children else []), "-o", self.output.name, *options, *arguments],
                                        stderr=subprocess.PIPE, env=dict(os.environ, **environment))
        self.said = b""
        attached = threading.Event()

        def read():
            for line in self.process.stderr:
                self.said += line
                if self.said.count(b" attached") >= len(pids):
                    attached.set()
            attached.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        if not attached.wait(10 * PATIENCE) or b"attach: " in self.said:
            self.stop()
            raise RuntimeError(f"strace: {self.said.decode()}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:  # it waits for a thread of a process that it has killed
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stderr.close()
        with open(self.output.name, errors="replace") as f:
            self.lines = f.read().splitlines()
        self.output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def counts(self):
        """The most calls of a name in one thread."""
        by_thread = collections.Counter()
        for line in self.lines:
            if made := re.match(r"(\d*)\s*(\w+)\(", line):
                by_thread[made.groups()] += 1
        most = {}
        for (_, call), number in by_thread.items():
            most[call] = max(most.get(call, 0), number)
        return most

    def injected(self):
        marks = ("(INJECTED)", "(DELAYED)", "killed by SIGKILL")
        return any(mark in line for mark in marks for line in self.lines)


class Injector:
    def __init__(self, **options):
        self.world = World(**options)
        self.mail = self.world.mail
        self.ledger = Ledger(tempfile.mktemp(prefix="umaya-injection-", suffix=".txt"))
        self.points = {}  # identity -> point
        self.serial = 0
        self.injections = 0
        self.slowest = 0
        try:
            self.transact(None)
            self.rest()
        except BaseException:
            self.close()
            raise

    # mail

    def _message(self, point, sender, recipients):
        self.serial += 1
        identity = f"I{self.serial}-{os.getpid()}"
        body = f"body of {identity}\n" + "some text\n" * 20 + f"end {identity}\n"
        entry = accounts.Entry(identity, hashlib.sha256(body.encode()).hexdigest(), sender,
                               [r.format(serial=self.serial) for r in recipients])
        # accounts.check() is told of one crash: it happened before this message, or may have doubled it.
        entry.crashes = 0 if point else 1
        self.points[identity] = point
        return entry, f"X-Ledger-Id: {identity}\nFrom: {sender}\nSubject: {identity}\n\n{body}"

    def _smtp(self, entry, text):
        with smtplib.SMTP("127.0.0.1", self.mail.port, local_hostname="client.test", timeout=10 * PATIENCE) as client:
            refused = client.sendmail(entry.sender, entry.recipients, text)
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)

    def _post(self, entry, text):
        done = self.mail.sendmail("-i", "-f", entry.sender, *entry.recipients, input=text)
        if done.returncode != 0:
            raise OSError(f"sendmail {done.returncode}")

    def _kinds(self, point):
        users = [f"{user}@{DOMAIN}" for user in USERS]
        yield self._smtp, users[0], [users[1], "r-{serial}@" + FAR, "gone-{serial}@" + FAR]
        yield self._post, users[2], [users[3]]

    def transact(self, point, daemon=None):
        """One message each way; gives the ways that were not acknowledged, with the reason. Master has something to do
        only when a daemon has died."""
        failed = []
        if (point.daemon if point else daemon) == "master":
            for pid in self.pids("smtp") + self.pids("bounce"):
                os.kill(pid, signal.SIGKILL)
        for send, sender, recipients in self._kinds(point):
            entry, text = self._message(point, sender, recipients)
            try:
                send(entry, text)
                self.ledger.add(entry)
            except (OSError, smtplib.SMTPException) as error:
                failed.append((send, sender, recipients, describe(error)))
        return failed

    def again(self, failed, point):
        """What was refused is sent once more, until it is taken."""
        for send, sender, recipients, _ in failed:
            end = time.monotonic() + RECOVERY * PATIENCE
            while True:
                entry, text = self._message(point, sender, recipients)
                try:
                    send(entry, text)
                    self.ledger.add(entry)
                    break
                except (OSError, smtplib.SMTPException) as error:
                    if time.monotonic() > end:
                        return f"does not take mail again: {describe(error)}"
                    time.sleep(0.05)
        return None

    def rest(self):
        """Waits until the queue is empty; gives the seconds, None when it does not empty."""
        start = time.monotonic()
        flushed = 0.0
        while self.world.complete("maildrop", "incoming", "active", "deferred"):
            now = time.monotonic() - start
            if now > 4 * RECOVERY * PATIENCE:
                return None
            if now - flushed > 0.5:
                self.mail.umaya("flush")
                flushed = now
            time.sleep(0.02)
        return time.monotonic() - start

    # points

    def pids(self, daemon):
        if daemon == "master":
            return [self.mail.master_pid()]
        return [pid for pid, name in self.mail.daemons().items() if name == daemon]

    def running(self, daemon):
        """Its processes; there are none for a moment after it was killed."""
        found = []

        def look():
            found[:] = [pid for pid in self.pids(daemon) if pid]
            if not found:
                self.transact(None)
            return found

        wait_for(look, 10, f"{daemon} runs", 0.2)
        self.rest()
        return found

    def calls(self, daemon):
        """How often the daemon makes which call for one transaction, at most in one thread."""
        wanted = "trace=" + ",".join(f"?{call}" for call in FILE_CALLS + OTHER_CALLS)
        with Tracer(self.running(daemon), "-e", wanted, children=daemon != "master") as tracer:
            self.transact(None, daemon)
            self.rest()
            time.sleep(0.1)
        return {call: number for call, number in tracer.counts().items() if call in FILE_CALLS + OTHER_CALLS}

    def try_point(self, point):
        """Gives what went wrong, or None. Sets self.hit: whether the daemon came to that call."""
        pids = self.running(point.daemon)
        with Tracer(pids, "-e", f"trace={point.call}", "-e", f"inject={point.call}:{point.fault}:when={point.when}",
                    children=point.daemon != "master") as tracer:
            failed = self.transact(point)
            # The fault may be in the delivery; it is over when nothing moves any more.
            with contextlib.suppress(TimeoutError):
                wait_for(lambda: not self.world.complete("maildrop", "incoming", "active"), 1, "mail moves", 0.02)
        start = time.monotonic()
        self.hit = tracer.injected()
        self.injections += self.hit
        wrong = [why for *_, why in failed if why.startswith("5")]
        if wrong:
            return f"refused for good: {wrong}"
        if point.daemon == "master" and self.hit:
            wait_for(lambda: is_zombie(pids[0]), 5, "master is gone")
            self.world.restart()
        trouble = self.again(failed, point)
        if not trouble and self.rest() is None:
            trouble = f"never at rest: {self.mail.queued()}"
        self.slowest = max(self.slowest, time.monotonic() - start)
        return trouble

    def judge(self):
        """Accounts of all that was sent: (findings, list of what is wrong with the points that did it)."""
        findings = accounts.check(self.ledger.entries, accounts.gather(self.mail, USERS + SPECIAL, self.world.peer),
                                  places_of, 1)
        wrong = []
        for kind in ("lost", "damaged", "misplaced", "beyond"):
            for identity, place in getattr(findings, kind):
                wrong.append(f"{kind}: {place} of {identity} at {self.points.get(identity)}")
        if corrupt := self.mail.queued("corrupt"):
            wrong.append(f"in corrupt/: {corrupt}")
        return findings, wrong

    def descriptors(self, pids):
        """How many each of the processes that still run has open."""
        found = {}
        for pid in pids:
            with contextlib.suppress(OSError):
                found[pid] = len(os.listdir(f"/proc/{pid}/fd"))
        return found

    def close(self):
        self.ledger.close()
        self.world.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
