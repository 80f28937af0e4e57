"""rounds - the faults of ledger.py, one function each; True: passed, False: failed, None: cannot be tried here"""

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import disks
import sandbox
from load import USERS, Ledger, Senders, check
from umaya_instance import Instance, wait_for

SETTINGS = {
    "service_throttle_time": "1s",
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "2s",
    "queue_run_delay": "1s",
    "transport_retry_time": "1s",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_error_sleep_time": "0",
}
RECOVERY = 60  # seconds until the queue must be empty again


def new_instance(**options):
    settings = dict(SETTINGS, **options.pop("main_cf", {}))
    mail = Instance(users=USERS, main_cf=settings, **options)
    mail.crashes_expected = True
    return mail


def settle(mail):
    """Leaves the instance in peace until nothing is queued any more; False when something stays."""
    if not mail.master_pid():
        mail.start()
    try:
        mail.flush()
        wait_for(lambda: not mail.queued("maildrop", "incoming", "active", "deferred"), RECOVERY, "the queue empties", 0.2)
        return True
    except (TimeoutError, AssertionError) as error:
        print(f"  {error}: {mail.queued()}\n{mail.log()[-3000:]}")
        return False


def verdict(name, mail, ledger, crashes, copies_allowed):
    empty = settle(mail)
    findings = check(mail, ledger)
    print(f"  {name}: {len(ledger)} acknowledged, {crashes} crashes: {findings}; refused: {dict(ledger.refused)}", flush=True)
    for identity, user in (findings.lost + findings.damaged)[:10]:
        print(f"    {identity} for {user}")
        print("".join(f"      {line}\n" for line in mail.log().splitlines() if identity in line)[:2000])
    corrupt = mail.queued("corrupt")
    if corrupt:
        print(f"    in corrupt/: {corrupt}")
    return empty and not findings.lost and not findings.damaged and not corrupt and findings.copies <= copies_allowed


def ledger_path():
    return tempfile.mktemp(prefix="umaya-ledger-", suffix=".txt")


def kill(options):
    """kill -9 of random daemons."""
    mail = new_instance()
    ledger = Ledger(ledger_path())
    senders = Senders(mail, ledger, options.senders)
    kills = 0
    try:
        while kills < options.rounds:
            time.sleep(random.uniform(0.05, 0.4))
            victims = mail.daemons()
            master = mail.master_pid()
            pid = master if master and random.random() < 0.05 else random.choice(list(victims) or [0])
            if not pid:
                time.sleep(0.2)
                continue
            try:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                continue
            if pid == master:
                restart(mail)
    finally:
        senders.stop()
    result = verdict("kill", mail, ledger, kills, kills)
    mail.close()
    return result


def restart(mail):
    """Starts again; orphans of the former master may still hold their locks for a moment."""
    end = time.monotonic() + 20
    while True:
        try:
            return mail.start()
        except (AssertionError, TimeoutError):
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


class PowerBench:
    """An instance on one or two file systems that lose power together."""

    def __init__(self, two):
        self.top = tempfile.mkdtemp(prefix="umaya-power-")
        os.chmod(self.top, 0o755)
        self.log = tempfile.mktemp(prefix="umaya-power-", suffix=".log")
        self.disks = [disks.Disk(os.path.join(self.top, "a"))]
        self.mail = new_instance(directory=os.path.join(self.top, "a"), start=False, main_cf={"maillog_file": self.log})
        self.mail.log = self.read_log
        if two:
            homes = self.mail.path("home")
            owner = os.stat(os.path.join(homes, USERS[0]))
            self.disks.append(disks.Disk(homes))
            for user in USERS:
                os.mkdir(os.path.join(homes, user), 0o700)
                os.chown(os.path.join(homes, user), owner.st_uid, owner.st_gid)
        os.sync()

    def read_log(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def cut(self):
        """Queue and mailboxes lose power at the same moment; everything dies; the disks come back."""
        for disk in random.sample(self.disks, len(self.disks)):
            disk.cut_power()
        self.mail.kill_all()
        for disk in reversed(self.disks):
            disk.unmount()
        for disk in self.disks:
            disk.mount()

    def close(self):
        self.mail.stop()
        for disk in reversed(self.disks):
            disk.close()
        shutil.rmtree(self.top, ignore_errors=True)
        if os.path.exists(self.log):
            os.unlink(self.log)


def power_layout(two, rounds, senders_count, name):
    bench = PowerBench(two)
    ledger = Ledger(ledger_path())
    try:
        for number in range(rounds):
            bench.mail.start()
            senders = Senders(bench.mail, ledger, senders_count, sendmail_share=0.2)
            time.sleep(random.uniform(0.3, 1.5))
            bench.cut()
            senders.stop()
        # In flight at a cut: what agents had delivered and the queue did not know yet.
        return verdict(name, bench.mail, ledger, rounds, max(len(ledger), 1)), ledger
    finally:
        bench.close()


def power(options):
    reason = disks.unavailable()
    if reason:
        print(f"  power: {reason}")
        return None
    results = [power_layout(two, options.power_rounds, options.senders, f"power, {'two' if two else 'one'} file system(s)")[0]
               for two in (False, True)]
    return all(results)


def mutation(options):
    """Without any fsync the power cut must lose mail, or the harness is blind."""
    reason = disks.unavailable() or sandbox.can_enter()
    if reason:
        print(f"  mutation: {reason}")
        return None
    library = tempfile.mktemp(prefix="umaya-no-fsync-", suffix=".so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "no_fsync.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    os.chmod(library, 0o755)
    preload = tempfile.mktemp(prefix="umaya-preload-")
    with open(preload, "w") as f:
        f.write(library + "\n")
    # Only inside a mount namespace of our own does the loader know of the library.
    script = (f"import sys; sys.path[:0] = {[p for p in __import__('sys').path[:5]]!r}\n"
              f"import rounds\nprint('lost', rounds.mutated({options.senders}))\n")
    try:
        done = subprocess.run(["unshare", "--mount", "sh", "-c",
                               'touch /etc/ld.so.preload; mount --bind "$1" /etc/ld.so.preload && exec python3 -c "$2"',
                               "sh", preload, script], capture_output=True, text=True)
    finally:
        os.unlink(library)
        os.unlink(preload)
        if os.path.exists("/etc/ld.so.preload") and os.path.getsize("/etc/ld.so.preload") == 0:
            os.unlink("/etc/ld.so.preload")
    lost = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("lost ")]
    print(f"  mutation: without fsync the harness finds {lost[0] if lost else '?'} losses", flush=True)
    if not lost:
        print(done.stdout[-2000:] + done.stderr[-3000:])
    return bool(lost) and int(lost[0]) > 0


def mutated(senders_count, rounds=3):
    """In the namespace without fsync: how many acknowledged messages are lost in some power cuts."""
    bench = PowerBench(False)
    ledger = Ledger(ledger_path())
    try:
        for _ in range(rounds):
            bench.mail.start()
            senders = Senders(bench.mail, ledger, senders_count)
            time.sleep(1.0)
            bench.cut()
            senders.stop()
        settle(bench.mail)
        return len(check(bench.mail, ledger).lost)
    finally:
        bench.close()


def enospc(options):
    """The disk fills up under load, and is emptied again, some times."""
    if os.geteuid() != 0:
        print("  enospc: needs root (mounts a small file system)")
        return None
    top = tempfile.mkdtemp(prefix="umaya-full-")
    log = tempfile.mktemp(prefix="umaya-full-", suffix=".log")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "tmpfs", top], check=True)
    try:
        mail = new_instance(directory=top, main_cf={"maillog_file": log, "message_size_limit": "1000000"})
        mail.log = lambda: open(log, errors="replace").read()
        ledger = Ledger(ledger_path())
        senders = Senders(mail, ledger, options.senders)
        for _ in range(5):
            ballast = os.path.join(top, "ballast")
            fill(ballast)
            time.sleep(1.5)
            os.unlink(ballast)
            time.sleep(0.7)
        senders.stop()
        refused = sum(ledger.refused.values())
        result = verdict("enospc", mail, ledger, 0, 0)
        if refused == 0:
            print("    nothing was refused: the disk was never full")
        mail.stop()
        return result and refused > 0
    finally:
        subprocess.run(["umount", "-l", top], check=False)
        os.rmdir(top)
        if os.path.exists(log):
            os.unlink(log)


def fill(path):
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 65536)
        except OSError:
            pass


def emfile(options):
    """More clients than descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (48, hard))
        mail = new_instance()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    ledger = Ledger(ledger_path())
    senders = Senders(mail, ledger, 60, sendmail_share=0)
    time.sleep(8)
    cpu = max((cpu_seconds(pid) for pid in mail.daemons()), default=0)
    senders.stop()
    result = verdict("emfile", mail, ledger, 0, 0)
    print(f"    busiest daemon used {cpu:.1f} CPU seconds in 8")
    mail.close()
    return result and len(ledger) > 0


def cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0
