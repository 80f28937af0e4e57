"""Faults at chosen moments, each counted by the ledger of tests/faults: what was accepted is there, once for each crash more.

The long versions, every point and many rounds, are "make faults".
"""

import os
import signal
import socket
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "faults"), os.path.join(HERE, "..", "support")]

import accounts  # noqa: E402
import disks  # noqa: E402
import memory_cage  # noqa: E402
import rounds  # noqa: E402
from injection import KILL, Injector, Point, Tracer  # noqa: E402
from load import Senders  # noqa: E402
from umaya_instance import Instance, wait_for  # noqa: E402
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


@unittest.skipUnless(os.geteuid() == 0, "needs root (traces daemons that run as others)")
class BetweenTwoFiles(unittest.TestCase):
    """A posted message is in the queue and its drop file is still there: it is not delivered once for each."""

    def pid(self, mail, program):
        return wait_for(lambda: next((pid for pid, name in mail.daemons().items() if name == program), None), 10, program)

    def at_removal(self, mail, fault, post):
        """The drop file's removal by pickup is met by the fault; gives the file's name."""
        # The queue manager stands still until then, or it would be the one that removes the file.
        self.manager = self.pid(mail, "qmgr")
        os.kill(self.manager, signal.SIGSTOP)
        with Tracer([self.pid(mail, "pickup")], "-e", "trace=unlinkat", "-e", f"inject=unlinkat:{fault}:when=1") as tracer:
            post()
            wait_for(lambda: len(mail.queued("maildrop", "incoming")) == 2, 10, "the message is in two files")
            time.sleep(0.3)
        self.assertTrue(tracer.injected())
        return mail.queued("maildrop")["maildrop"][0]

    def posted(self, mail):
        return lambda: mail.sendmail("bob@example.test", input="Subject: once\n\nx\n", check=True)

    def wake_pickup(self, mail):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as trigger:
            trigger.connect(mail.queue_path("public", "pickup"))
            trigger.send(b"W")

    def requeue(self, mail, name):
        mail.tool("postsuper", "-r", name, check=True)
        self.wake_pickup(mail)

    def assert_once(self, mail, subject="once"):
        self.assertEqual([m["Subject"] for m in mail.wait_mail("bob")], [subject])
        mail.wait_empty()
        mail.sendmail("bob@example.test", input="Subject: later\n\nx\n", check=True)
        mail.wait_mail("bob", 2)
        mail.wait_empty()
        self.assertEqual(sorted(m["Subject"] for m in mail.mail("bob")), sorted(["later", subject]))

    def test_I2_pickup_finds_what_it_had_posted_before_it_died(self):
        with Instance(users=["bob"]) as mail:
            mail.crashes_expected = True
            name = self.at_removal(mail, KILL, self.posted(mail))
            self.assertEqual(mail.queued("incoming")["incoming"], [name])
            self.wake_pickup(mail)
            mail.wait_log(f"maildrop/{name}: removed: in the queue already as {name}")
            os.kill(self.manager, signal.SIGCONT)
            self.assert_once(mail)

    def test_I2_the_queue_manager_removes_a_drop_file_before_it_delivers(self):
        with Instance(users=["bob"]) as mail:
            mail.crashes_expected = True
            self.at_removal(mail, KILL, self.posted(mail))
            self.assertNotIn("pickup", mail.daemons().values())
            os.kill(self.manager, signal.SIGCONT)
            wait_for(lambda: not mail.queued(), 10, "both files are gone")
            self.assertNotIn("pickup", mail.daemons().values())
            self.assert_once(mail)

    def test_I2_a_requeued_message_whose_pickup_dies_is_delivered_once(self):
        with Instance(users=["bob"]) as mail:
            mail.crashes_expected = True
            os.kill(self.pid(mail, "qmgr"), signal.SIGSTOP)
            self.posted(mail)()
            old = wait_for(lambda: mail.queued("incoming"), 10, "posted")["incoming"][0]
            wait_for(lambda: not mail.queued("maildrop"), 10, "the drop file is removed")
            name = self.at_removal(mail, KILL, lambda: self.requeue(mail, old))
            self.assertEqual(name, old)
            new = mail.queued("incoming")["incoming"][0]
            self.assertNotEqual(new, old)
            self.wake_pickup(mail)
            mail.wait_log(f"maildrop/{old}: removed: in the queue already as {new}")
            os.kill(self.manager, signal.SIGCONT)
            self.assert_once(mail)


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
