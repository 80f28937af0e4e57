"""Faults at chosen moments, each counted by the ledger of tests/faults: what was accepted is there, once for each crash more.

The long versions, every point and many rounds, are "make faults".
"""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "faults"), os.path.join(HERE, "..", "support")]

import accounts  # noqa: E402
import disks  # noqa: E402
import memory_cage  # noqa: E402
import rounds  # noqa: E402
from injection import KILL, Injector, Point  # noqa: E402
from load import Senders  # noqa: E402
from umaya_instance import wait_for  # noqa: E402
from world import SPECIAL, USERS, World, places_of  # noqa: E402

# One for each daemon: what it does last before others rely on it.
CRASHES = [("smtpd", "sendmsg", 1), ("cleanup", "fchmod", 1), ("qmgr", "unlinkat", 1), ("smtp", "sendmsg", 1),
           ("local", "sendmsg", 2), ("become", "linkat", 1), ("bounce", "fsync", 1), ("pickup", "unlinkat", 1),
           ("master", "clone", 1)]
ERRORS = [("smtpd", "sendmsg", "ENOMEM"), ("cleanup", "openat", "EMFILE"), ("cleanup", "writev", "ENOSPC"),
          ("cleanup", "fsync", "EIO"), ("qmgr", "renameat", "ESTALE"), ("qmgr", "pwrite64", "EDQUOT"),
          ("smtp", "pread64", "EIO"), ("local", "sendmsg", "ENOMEM"), ("become", "fsync", "EIO"),
          ("become", "write", "EFBIG"), ("bounce", "write", "ENOSPC"), ("pickup", "openat", "ENFILE")]


@unittest.skipUnless(os.geteuid() == 0, "needs root (traces daemons that run as others)")
class AtOneCall(unittest.TestCase):
    def try_all(self, points):
        with Injector() as bench:
            for point in points:
                with self.subTest(point=point):
                    self.assertIsNone(bench.try_point(point))
                    self.assertTrue(bench.hit, "the daemon never made that call")
            findings, wrong = bench.judge()
            self.assertEqual(wrong, [], findings)

    def test_Q1_a_daemon_that_dies_at_a_call_loses_nothing_and_is_back_at_once(self):
        self.try_all([Point(daemon, call, when, KILL) for daemon, call, when in CRASHES])

    def test_Q2_a_call_that_fails_is_a_matter_of_trying_again(self):
        self.try_all([Point(daemon, call, 1, f"error={error}") for daemon, call, error in ERRORS])


class UnderLoad(unittest.TestCase):
    def setUp(self):
        self.ledger = rounds.new_ledger()
        self.addCleanup(self.ledger.close)

    def count(self, world):
        findings = accounts.check(self.ledger.entries, accounts.gather(world.mail, USERS + SPECIAL, world.peer),
                                  places_of, self.ledger.crashes)
        self.assertTrue(findings.good(), f"{findings} of {len(self.ledger)}; {findings.lost[:5]} {findings.beyond[:5]}")
        self.assertGreater(len(self.ledger), 10)
        self.assertEqual(world.mail.queued("corrupt"), {})

    @unittest.skipIf(disks.unavailable(), disks.unavailable())
    def test_Q3_the_power_fails_on_two_file_systems_and_what_was_accepted_is_there(self):
        bench = rounds.PowerBench(two=True)
        try:
            rounds.power_rounds(bench, self.ledger, 2, 4)
            self.assertIsNotNone(bench.world.settle())
            self.assertIsNotNone(bench.world.let_late_mail_in())
            self.count(bench.world)
        finally:
            bench.close()

    @unittest.skipUnless(os.geteuid() == 0, "needs root (control groups)")
    def test_Q24_the_kernel_out_of_memory_takes_each_daemon_in_turn(self):
        if not memory_cage.available():
            self.fail("no memory controller (control groups of version 1 or 2) is there to be used")
        world = World()
        try:
            senders = Senders(world.mail, self.ledger, 4)
            for name in ("smtpd", "cleanup", "qmgr", "local", "become", "smtp", "bounce", "pickup", "master"):
                self.kill_by_oom(world, name)
            time.sleep(0.5)
            senders.stop()
            self.assertIsNotNone(world.settle())
            self.assertIsNotNone(world.let_late_mail_in())
            self.count(world)
        finally:
            world.close()

    def kill_by_oom(self, world, name):
        def pids():
            return [world.mail.master_pid()] if name == "master" else [p for p, n in world.mail.daemons().items() if n == name]

        pid = wait_for(lambda: next((p for p in pids() if p), None), 15, f"{name} runs")
        self.assertTrue(memory_cage.kill_by_oom(pid), f"{name} outlived it")
        self.ledger.crashes += 1
        if name == "master":
            world.restart()
        before = len(self.ledger)
        wait_for(lambda: len(self.ledger) > before + 2, 5, f"mail is taken again after the end of {name}")


if __name__ == "__main__":
    unittest.main()
