#!/usr/bin/env python3
"""zone_ledger - what UPDATE acknowledged must be served, through kills and power cuts

    tests/faults/zone_ledger.py [--build DIR] [--only kill,power,mutation] [--rounds 250] [--power-rounds 50]
                                [--senders 6] [--seed N]

A named-lite primary with a dynamic zone and a secondary of it that gets each change by NOTIFY and IXFR; senders update the
zone all the time. After each fault both zones are fetched whole, and must be versions that were: every update that was
acknowledged is there, one whose answer never came is there whole or not at all, the serial never goes back; the
secondary's zone, with what the primary's journal says has changed since, is the primary's zone.

kill      kill -9 of all processes of the primary, of the secondary, or of one process alone, again and again
power     both lose power (EXT4_IOC_SHUTDOWN without flushing the journal); needs root and loop devices
mutation  the power cut once more without any flush (a preloaded library): the harness must find losses
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "support"), HERE]


def arguments():
    parser = argparse.ArgumentParser(description="Count updates of a zone through faults.")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--only", default="kill,power,mutation")
    parser.add_argument("--rounds", type=int, default=250, help="kills")
    parser.add_argument("--power-rounds", type=int, default=50)
    parser.add_argument("--senders", type=int, default=6)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def serial_of(record):
    return int.from_bytes(record[4][-1][:4], "big")


def slot_values(records):
    """slot → (value of u, value of v)."""
    values = {}
    for owner, kind, _, _, data in records:
        if kind == 16 and owner[0] in (b"u", b"v") and len(owner) == 4:
            pair = values.setdefault(owner[1].decode(), [None, None])
            side = 0 if owner[0] == b"u" else 1
            if pair[side] is not None:
                raise ValueError(f"two values at {owner}")
            pair[side] = int(data[-1][1:])
    return values


class Findings:
    def __init__(self):
        self.wrong = []
        self.checks = 0
        self.compared = 0  # versions of the secondary that were proved to be the primary's
        self.behind = 0

    def add(self, what):
        self.wrong.append(what)
        print(f"    {what}", flush=True)


def check_primary(server, acknowledged, senders, last_serial, findings):
    """Its serial and records; acknowledged: before it was asked."""
    serial, records = server.zone()
    sent = senders.sent()
    findings.checks += 1
    if serial < last_serial:
        findings.add(f"the serial went back from {last_serial} to {serial}")
    values = slot_values(records)
    for name, least in acknowledged.items():
        u, v = values.get(name, (0, 0))
        if u != v:
            findings.add(f"half an update at serial {serial}: {name} has {u} and {v}")
        elif u < least:
            findings.add(f"lost: {name} was acknowledged with {least} and has {u} at serial {serial}")
        elif u > sent[name]:
            findings.add(f"{name} has {u}, and only {sent[name]} was sent")
    return serial, records


def check_secondary(primary, secondary, senders, findings):
    """Its zone is one that the primary had: with what is new since, it is what the primary has."""
    serial, records = secondary.zone(60)
    findings.checks += 1
    for name, (u, v) in slot_values(records).items():
        if u != v:
            findings.add(f"half an update in the secondary at serial {serial}: {name} has {u} and {v}")
    senders.may_send.clear()
    try:
        for _ in range(50):
            news, whole = primary.transfer(serial), primary.zone()
            if news and serial_of(news[0]) == whole[0]:
                return compare(serial, records, news, whole[1], findings)
            time.sleep(0.02)  # updates that are under way
    finally:
        senders.may_send.set()
    findings.add("the primary does not come to rest")


def compare(serial, records, news, whole, findings):
    """The secondary's records at a serial with the primary's; news: what the primary's journal says has changed since."""
    if serial_of(news[0]) < serial:
        return findings.add(f"the secondary has serial {serial}, the primary {serial_of(news[0])}")
    steps = difference(news)
    if steps is None:
        findings.behind += 1  # the journal does not reach back
        return
    for removed, added in steps:
        if removed - records:
            findings.add(f"the secondary at serial {serial} lacks {sorted(removed - records)[:3]}")
        records = (records - removed) | added
    if records != whole:
        findings.add(f"the secondary's version {serial} is none of the primary's: {len(records ^ whole)} records differ")
    findings.compared += 1


def difference(news):
    """(removed, added) of each step; [] for who is up to date; None for a whole zone."""
    if len(news) == 1:
        return []
    if news[1][1] != 6:
        return None
    steps, part = [], None
    for record in news[1:-1]:
        if record[1] != 6:
            part.add(record)
        elif not steps or len(steps[-1]) == 2:
            part = set()
            steps.append((part,))
        else:
            part = set()
            steps[-1] += (part,)
    return steps


class World:
    def __init__(self, first, second, senders, preload=None):
        import zone_world
        self.primary = zone_world.Server(first, journal="600k")
        self.secondary = zone_world.Server(second, self.primary)
        self.servers = [self.primary, self.secondary]
        for server in self.servers:
            server.preload = preload
        self.primary.furnish(self.secondary.port)
        self.secondary.furnish()
        self.start()
        self.primary.zone()
        self.senders = zone_world.Senders(self.primary, senders)
        self.serial = 0
        self.findings = Findings()

    def start(self):
        for server in self.servers:
            server.start()

    def check(self, acknowledged):
        self.serial, _ = check_primary(self.primary, acknowledged, self.senders, self.serial, self.findings)
        check_secondary(self.primary, self.secondary, self.senders, self.findings)

    def settle(self):
        """The end: senders rest, the secondary comes up to date and is the same."""
        self.senders.stop()
        self.check(self.senders.acknowledged())
        send = self.senders
        send.send(update(send), tcp=True)  # one more NOTIFY, whatever became of those before
        end = time.monotonic() + 90
        while time.monotonic() < end:
            if self.primary.zone() == self.secondary.zone():
                return True
            time.sleep(0.2)
        self.findings.add("the secondary does not come up to date:\n" + self.secondary.tail())
        return False

    def report(self, name, faults):
        answers = {"none" if code is None else code: count for code, count in self.senders.answers.items()}
        print(f"  {name}: {faults} faults, {self.senders.total()} updates acknowledged, answers {answers}, serial "
              f"{self.serial}; {self.findings.checks} zones looked at, {self.findings.compared} versions of the secondary "
              f"compared with the primary's journal ({self.findings.behind} times it had to be the whole zone), "
              f"{len(self.findings.wrong)} wrong", flush=True)

    def close(self):
        for server in self.servers:
            server.close()


def update(senders):
    from zone_world import update_packet
    name, slot = next(iter(senders.slots.items()))
    slot.sent += 1
    return update_packet(1, name, slot.sent)


def kill(options):
    import signal
    top = tempfile.mkdtemp(prefix="umaya-zone-kill-")
    world = World(os.path.join(top, "a"), os.path.join(top, "b"), options.senders)
    killed = {}
    try:
        for _ in range(options.rounds):
            time.sleep(random.uniform(0.005, 0.12))
            server = random.choice([world.primary, world.primary, world.secondary])
            role = "all" if random.random() < 0.9 else random.choice(["zone", "query0"])
            title = ("primary " if server is world.primary else "secondary ") + role
            if role == "all":
                server.kill()
            elif role in server.processes():
                os.kill(server.processes()[role], signal.SIGKILL)
            else:
                continue
            killed[title] = killed.get(title, 0) + 1
            acknowledged = world.senders.acknowledged()
            if role == "all":
                server.start()
            world.check(acknowledged)
        settled = world.settle()
        print(f"  kill: {dict(sorted(killed.items()))}")
        world.report("kill", sum(killed.values()))
        return settled and not world.findings.wrong
    finally:
        world.close()
        shutil.rmtree(top, ignore_errors=True)


def cut_rounds(options, rounds, preload=None):
    """The world after the cuts; findings are in it."""
    import disks
    top = tempfile.mkdtemp(prefix="umaya-zone-power-")
    both = [disks.Disk(os.path.join(top, name), 64) for name in ("a", "b")]
    world = None
    try:
        world = World(os.path.join(top, "a", "named"), os.path.join(top, "b", "named"), options.senders, preload)
        world.secondary.zone()
        subprocess.run(["sync", "-f", both[0].mount_point], check=True)
        subprocess.run(["sync", "-f", both[1].mount_point], check=True)
        for _ in range(rounds):
            time.sleep(random.uniform(0.1, 0.8))
            which = random.choice([both, both, both[:1], both[1:]])
            # A machine without power gives no answers: what comes from here on is not counted as acknowledged.
            world.senders.cut = both[0] in which
            for disk in random.sample(which, len(which)):
                disk.cut_power()
            for server, disk in zip(world.servers, both):
                if disk in which:
                    server.kill()
                    disk.unmount()
            acknowledged = world.senders.acknowledged()
            for server, disk in zip(world.servers, both):
                if disk in which:
                    disk.mount()
                    server.start()
            world.senders.cut = False
            world.check(acknowledged)
        return world, world.settle()
    finally:
        if world:
            world.senders.stop()
            world.close_later = [server.close() for server in world.servers]
        for disk in both:
            disk.close()
        shutil.rmtree(top, ignore_errors=True)


def power(options):
    import disks
    reason = disks.unavailable()
    if reason:
        print(f"  power: {reason}")
        return None
    world, settled = cut_rounds(options, options.power_rounds)
    world.report("power", options.power_rounds)
    return settled and not world.findings.wrong


def mutation(options):
    """Without any flush the power cut must lose updates, or the harness is blind."""
    import disks
    reason = disks.unavailable()
    if reason:
        print(f"  mutation: {reason}")
        return None
    library = tempfile.mktemp(prefix="umaya-no-fsync-", suffix=".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "no_fsync.c")], check=True)
    try:
        world, _ = cut_rounds(options, 5, library)
        found = len(world.findings.wrong)
    except RuntimeError as error:
        print(f"    {error}")  # the zone is gone altogether
        found = 1
    finally:
        os.unlink(library)
    print(f"  mutation: without any flush the harness finds {found} things that are wrong", flush=True)
    return found > 0


def main():
    options = arguments()
    os.environ["UMAYA_BUILD"] = os.path.abspath(options.build)
    random.seed(options.seed)
    print(f"seed {options.seed}")
    failed = []
    for name in options.only.split(","):
        start = time.monotonic()
        result = globals()[name](options)
        verdict = "skipped" if result is None else "passed" if result else "FAILED"
        print(f"{name}: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
        if result is False:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
