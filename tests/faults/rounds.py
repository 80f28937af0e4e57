"""rounds - the faults of ledger.py, one function each; True: passed, False: failed, None: cannot be tried here"""

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import accounts
import disks
import points
import sandbox
from load import Ledger, Senders, send_by_sendmail
from umaya_instance import greets, wait_for
from world import SPECIAL, USERS, World, places_of

crash, errors = points.crash, points.errors

DESCRIPTORS = 64  # for each process, when there are few


def new_ledger():
    return Ledger(tempfile.mktemp(prefix="umaya-ledger-", suffix=".txt"))


def judge(name, world, ledger, copies_allowed):
    """Lets the instance come to rest and compares, twice: while late mail waits in the queue, and when nothing does."""
    mail = world.mail
    good = True
    for stage, rest in (("with mail waiting", world.settle), ("at the end", world.let_late_mail_in)):
        seconds = rest()
        findings = accounts.check(ledger.entries, accounts.gather(mail, USERS + SPECIAL, world.peer), places_of,
                                  ledger.crashes)
        at_rest = "never at rest" if seconds is None else f"at rest after {seconds:.1f} s"
        print(f"  {name}, {stage}: {at_rest}; {findings}", flush=True)
        good = good and seconds is not None and findings.good() and findings.copies <= copies_allowed
        for identity, place in (findings.lost + findings.damaged + findings.misplaced + findings.beyond)[:10]:
            print(f"    {identity}: {place}")
            ids = {line.split("]: ")[1].split(":")[0] for line in mail.log().splitlines()
                   if identity in line and "]: " in line}
            print("".join(f"      {line}\n" for line in mail.log().splitlines()
                          if identity in line or any(queue_id in line for queue_id in ids))[:3000])
    print(f"  {name}: {len(ledger)} acknowledged ({sum(len(e.recipients) for e in ledger.entries)} recipients, "
          f"{ledger.while_down} messages while nothing ran), {ledger.crashes} crashes, "
          f"{sum(ledger.refused.values())} not accepted {dict(ledger.refused)}", flush=True)
    corrupt = mail.queued("corrupt").get("corrupt", [])
    print(f"  {name}: never acknowledged and left behind: {len(world.unfinished())} unfinished files, "
          f"{len(corrupt)} in corrupt/; {ledger.after_cut} answers came after the power was off", flush=True)
    ledger.close()
    return good and not corrupt


def calm(options):
    """No fault at all: nothing lost, and not one copy."""
    world = World()
    ledger = new_ledger()
    senders = Senders(world.mail, ledger, options.senders)
    time.sleep(15)
    senders.stop()
    result = judge("calm", world, ledger, 0)
    world.close()
    return result and not ledger.refused


def kill(options):
    """kill -9 of random daemons; a killed master stays away for a moment, in which only sendmail takes mail."""
    world = World()
    mail = world.mail
    ledger = new_ledger()
    senders = Senders(mail, ledger, options.senders)
    killed = {}
    slowest = 0
    try:
        while ledger.crashes < options.rounds:
            time.sleep(random.uniform(0.05, 0.4))
            victims = mail.daemons()
            master = mail.master_pid()
            pid = master if master and random.random() < 0.05 else random.choice(list(victims) or [0])
            if not pid:
                time.sleep(0.2)
                continue
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            ledger.crashes += 1
            name = "master" if pid == master else victims[pid]
            killed[name] = killed.get(name, 0) + 1
            if pid == master:
                ledger.down = True
                time.sleep(0.5)
                ledger.down = False
                start = time.monotonic()
                world.restart()
                slowest = max(slowest, time.monotonic() - start)
    finally:
        senders.stop()
    print(f"  kill: {dict(sorted(killed.items()))}; master is back at most {slowest:.1f} s after its start")
    result = judge("kill", world, ledger, ledger.crashes)
    world.close()
    return result


class PowerBench:
    """An instance on one or two file systems that lose power together."""

    def __init__(self, two):
        self.top = tempfile.mkdtemp(prefix="umaya-power-")
        os.chmod(self.top, 0o755)
        self.log = tempfile.mktemp(prefix="umaya-power-", suffix=".log")
        self.disks = [disks.Disk(os.path.join(self.top, "a"))]
        self.world = World(directory=os.path.join(self.top, "a"), start=False, main_cf={"maillog_file": self.log})
        self.mail = self.world.mail
        self.mail.log = self.read_log
        if two:
            self.disks.append(disks.Disk(self.mail.path("home")))
            self.world.furnish_homes()
        self.mount_again()  # what was laid down so far is on disk, whatever sync does

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
        self.mount_again()

    def mount_again(self):
        for disk in reversed(self.disks):
            disk.unmount()
        for disk in self.disks:
            disk.mount()

    def close(self):
        self.mail.stop()
        self.world.peer.close()
        for disk in reversed(self.disks):
            disk.close()
        shutil.rmtree(self.top, ignore_errors=True)
        if os.path.exists(self.log):
            os.unlink(self.log)


def power_rounds(bench, ledger, rounds, senders_count):
    """Cuts and starts; gives the seconds until mail was taken again, for each."""
    taken_again = []
    for _ in range(rounds):
        ledger.down = True
        send_by_sendmail(bench.mail, ledger, 2)
        ledger.down = False
        start = time.monotonic()
        bench.mail.start()
        taken_again.append(time.monotonic() - start)
        senders = Senders(bench.mail, ledger, senders_count, sendmail_share=0.2)
        time.sleep(random.uniform(0.3, 1.5))
        # The file systems shut down one after the other while processes run on, and some flushes that are under way
        # answer 0 though they lost their data (fsync_probe.py). A machine without power gives no answers: what is
        # accepted from here on is not counted as acknowledged.
        ledger.cut = True
        bench.cut()
        ledger.crashes += 1
        senders.stop()
        ledger.cut = False
    return taken_again


def power_layout(two, rounds, senders_count):
    name = f"power, {'two file systems' if two else 'one file system'}"
    bench = PowerBench(two)
    ledger = new_ledger()
    try:
        taken_again = power_rounds(bench, ledger, rounds, senders_count)
        print(f"  {name}: takes mail again after {sum(taken_again) / rounds:.2f} s, at most {max(taken_again):.2f} s")
        # One copy for a recipient and cut is within the promise (accounts.Findings.beyond sees more): agents had
        # delivered what the queue did not know yet.
        return judge(name, bench.world, ledger, ledger.crashes * senders_count * 8)
    finally:
        bench.close()


def power(options):
    reason = disks.unavailable()
    if reason:
        print(f"  power: {reason}")
        return None
    return all([power_layout(two, options.power_rounds, options.senders) for two in (False, True)])


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
              f"import rounds\nrounds.mutated({options.senders})\n")
    try:
        done = subprocess.run(["unshare", "--mount", "sh", "-c",
                               'touch /etc/ld.so.preload; mount --bind "$1" /etc/ld.so.preload && exec python3 -c "$2"',
                               "sh", preload, script], capture_output=True, text=True)
    finally:
        os.unlink(library)
        os.unlink(preload)
        if os.path.exists("/etc/ld.so.preload") and os.path.getsize("/etc/ld.so.preload") == 0:
            os.unlink("/etc/ld.so.preload")
    said = [line for line in done.stdout.splitlines() if line.startswith("lost ")]
    lost = int(said[0].split()[1]) if said else 0
    print(f"  mutation: without fsync the harness finds: {said[0] if said else 'nothing'}", flush=True)
    if not said:
        print(done.stdout[-2000:] + done.stderr[-3000:])
    return lost > 0


def mutated(senders_count, rounds=3):
    """In the namespace without fsync: prints how many recipients of acknowledged messages some power cuts lose."""
    bench = PowerBench(False)
    ledger = new_ledger()
    try:
        power_rounds(bench, ledger, rounds, senders_count)
        bench.world.settle()
        findings = accounts.check(ledger.entries, accounts.gather(bench.mail, USERS + SPECIAL, bench.world.peer),
                                  places_of, ledger.crashes)
        print(f"lost {len(findings.lost)} and damaged {len(findings.damaged)} of {len(ledger)} acknowledged "
              f"in {rounds} cuts")
    finally:
        ledger.close()
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
        world = World(directory=top, main_cf={"maillog_file": log, "message_size_limit": "1000000"})
        world.mail.log = lambda: open(log, errors="replace").read()
        ledger = new_ledger()
        senders = Senders(world.mail, ledger, options.senders)
        taken_again = []
        for _ in range(5):
            ballast = os.path.join(top, "ballast")
            fill(ballast)
            time.sleep(1.5)
            os.unlink(ballast)
            start, before = time.monotonic(), len(ledger)
            wait_for(lambda: len(ledger) > before, 20, "mail is accepted again", 0.01)
            taken_again.append(time.monotonic() - start)
            time.sleep(0.7)
        senders.stop()
        full = [why for why in ledger.refused if why in ("452", "451", "sendmail 75")]
        wrong = [why for why in ledger.refused if why not in ("452", "451", "421", "sendmail 75")]
        result = judge("enospc", world, ledger, 0)
        print(f"    takes mail again at most {max(taken_again):.2f} s after there is room")
        if not full or wrong:
            print(f"    the disk was never full, or not told so as it should: {wrong}")
        world.mail.stop()
        world.peer.close()
        return result and bool(full) and not wrong
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
    """More clients than descriptors, for each daemon, to the end."""
    world = World(start=False)
    world.mail.umaya("start", check=True, preexec_fn=few_descriptors)
    wait_for(lambda: greets(world.mail.port), 20, "smtpd greets")
    ledger = new_ledger()
    senders = Senders(world.mail, ledger, 60, sendmail_share=0.02)
    time.sleep(5)
    cpu = max((cpu_seconds(pid) for pid in world.mail.daemons()), default=0)
    senders.stop()
    wrong = [why for why in ledger.refused if why.startswith("5")]
    result = judge("emfile", world, ledger, 0)
    print(f"    {DESCRIPTORS} descriptors for each process, 60 clients; busiest daemon used {cpu:.1f} CPU seconds in 5")
    world.close()
    return result and len(ledger) > 0 and not wrong


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0
