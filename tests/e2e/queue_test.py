"""The queue as an administrator handles it: listing, holding, flushing."""

import fcntl
import os
import re
import signal
import socket
import time
import unittest

from smtp_peer import SmtpPeer
from umaya_instance import Instance, wait_for


def deferring(peer):
    peer.reply_to_rcpt = lambda a: "450 4.2.0 later"
    return {"relayhost": f"[127.0.0.1]:{peer.port}", "fast_flush_domains": "far.test",
            "relay_domains": "far.test"}


class Listing(unittest.TestCase):
    def test_mailq_shows_a_deferred_message_with_its_reason(self):
        with SmtpPeer() as peer, Instance(main_cf=deferring(peer)) as mail:
            mail.send("alice@example.test", ["x@far.test", "y@far.test"], "Subject: x\n\nx\n")
            mail.wait_log("status=deferred", count=2)
            wait_for(lambda: mail.queued("deferred"), 5, "the message is deferred")
            entry = mail.mailq()[0]
            self.assertEqual(entry["queue_name"], "deferred")
            self.assertEqual(entry["sender"], "alice@example.test")
            self.assertEqual({r["address"] for r in entry["recipients"]}, {"x@far.test", "y@far.test"})
            self.assertIn("450 4.2.0 later", entry["recipients"][0]["delay_reason"])
            text = mail.sendmail("-bp").stdout
            self.assertTrue(text.startswith("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"), text)
            self.assertTrue(text.endswith(" Kbytes in 1 Request.\n"), text)

    def test_an_empty_queue_says_so(self):
        with Instance() as mail:
            self.assertEqual(mail.tool("sendmail", program="mailq").stdout, "Mail queue is empty\n")


class Flushing(unittest.TestCase):
    def test_sendmail_q_tries_everything_now(self):
        with SmtpPeer() as peer, Instance(main_cf=deferring(peer)) as mail:
            mail.send("alice@example.test", "x@far.test", "Subject: x\n\nx\n")
            wait_for(lambda: mail.queued("deferred"), 10, "deferred")
            peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
            self.assertEqual(mail.sendmail("-q").returncode, 0)
            wait_for(lambda: peer.messages, 10, "the message arrives")
            mail.wait_empty()

    def test_etrn_flushes_one_site_only(self):
        with SmtpPeer() as peer, Instance(main_cf=dict(deferring(peer), fast_flush_domains="far.test, other.test",
                                                       relay_domains="far.test, other.test")) as mail:
            mail.send("alice@example.test", "x@far.test", "Subject: x\n\nx\n")
            mail.send("alice@example.test", "x@other.test", "Subject: x\n\nx\n")
            wait_for(lambda: len(mail.queued("deferred").get("deferred", ())) == 2, 10, "both deferred")
            peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
            with mail.smtp() as client:
                client.ehlo()
                code, text = client.docmd("ETRN", "far.test")
                self.assertEqual(code, 250, text)
            wait_for(lambda: peer.messages, 15, "the site's mail arrives")
            self.assertEqual(peer.recipients(), ["x@far.test"])
            self.assertEqual(len(mail.queued("deferred")["deferred"]), 1)


class Holding(unittest.TestCase):
    def test_hold_release_and_delete(self):
        with SmtpPeer() as peer, Instance(main_cf=deferring(peer)) as mail:
            for subject in ("one", "two"):
                mail.send("alice@example.test", "x@far.test", f"Subject: {subject}\n\nx\n")
            wait_for(lambda: len(mail.queued("deferred").get("deferred", ())) == 2, 10, "both deferred")
            first, second = mail.queued("deferred")["deferred"]
            mail.tool("postsuper", "-h", first, check=True)
            self.assertEqual(mail.queued("hold"), {"hold": [first]})
            peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
            mail.flush()
            wait_for(lambda: len(peer.messages) == 1, 10, "the other one arrives")
            mail.tool("postsuper", "-H", first, check=True)
            mail.flush()
            wait_for(lambda: len(peer.messages) == 2, 10, "the released one arrives")
            mail.wait_empty()
            peer.reply_to_rcpt = lambda a: "450 4.2.0 later"
            mail.send("alice@example.test", "x@far.test", "Subject: three\n\nx\n")
            wait_for(lambda: mail.queued("deferred"), 10, "deferred")
            done = mail.tool("postsuper", "-d", "ALL", check=True)
            self.assertIn("Deleted: 1 message", done.stderr)
            self.assertEqual(mail.queued(), {})
            self.assertIsNotNone(second)

    def test_postsuper_r_sends_a_message_through_cleanup_again(self):
        with SmtpPeer() as peer, Instance(main_cf=deferring(peer)) as mail:
            mail.send("alice@example.test", "x@far.test", "Subject: again\n\nx\n")
            wait_for(lambda: mail.queued("deferred"), 10, "deferred")
            old = mail.queued("deferred")["deferred"][0]
            peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
            mail.tool("postsuper", "-r", old, check=True)
            mail.umaya("flush")
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as trigger:
                trigger.connect(mail.queue_path("public", "pickup"))
                trigger.send(b"W")
            wait_for(lambda: peer.messages, 10, "the message arrives")
            mail.wait_log(rf"orig_id={old}")
            mail.wait_empty()


class AfterACrash(unittest.TestCase):
    def test_Q1_posted_mail_without_its_mark_counts_when_it_is_whole_and_has_no_writer(self):
        with Instance(users=["bob"], start=False) as mail:
            files = {}
            for name in ("whole", "torn", "written"):
                before = set(mail.queued().get("maildrop", []))
                self.assertEqual(mail.sendmail("bob@example.test", input=f"Subject: {name}\n\nx\n").returncode, 0)
                files[name] = mail.queue_path("maildrop", (set(mail.queued()["maildrop"]) - before).pop())
                os.chmod(files[name], 0o644)
            os.truncate(files["torn"], 200)
            with open(files["written"]) as writer:
                fcntl.flock(writer, fcntl.LOCK_EX)
                mail.start()
                self.assertEqual([m["Subject"] for m in mail.wait_mail("bob")], ["whole"])
                wait_for(lambda: not os.path.exists(files["torn"]), 5, "what never was accepted is removed")
                wait_for(lambda: list(mail.queued()) == ["maildrop"], 5, "what is delivered leaves the queue")
                self.assertEqual(mail.queued()["maildrop"], [os.path.basename(files["written"])])
            self.assertIn("removed: never finished and never accepted", mail.log())
            mail.sendmail("bob@example.test", input="Subject: later\n\nx\n")  # wakes pickup
            self.assertEqual({m["Subject"] for m in mail.wait_mail("bob", 3)}, {"whole", "written", "later"})


class Disturbances(unittest.TestCase):
    def send_while(self, mail, disturb):
        """Sends messages with a disturbance after each; all arrive once."""
        sent = []
        for number in range(30):
            mail.sendmail("alice@example.test", input=f"Subject: {number}\n\nx\n", check=True)
            sent.append(str(number))
            disturb()
        messages = mail.wait_mail("alice", len(sent), 60)
        self.assertEqual(sorted(m["Subject"] for m in messages), sorted(sent))
        mail.wait_empty(30)

    def test_Q22_a_storm_of_reloads_loses_nothing_and_leaves_it_serving(self):
        with Instance() as mail:
            def storm():
                for _ in range(10):
                    os.kill(mail.master_pid(), signal.SIGHUP)

            self.send_while(mail, storm)
            mail.send("bob@example.test", "bob@example.test", "Subject: after\n\nx\n")
            mail.wait_mail("bob")

    def test_Q25_a_daemon_that_stands_still_holds_up_mail_and_loses_none(self):
        with Instance() as mail:
            mail.sendmail("alice@example.test", input="Subject: first\n\nx\n", check=True)
            mail.wait_mail("alice")
            for program in ("qmgr", "cleanup", "local", "become"):
                stopped = [pid for pid, name in mail.daemons().items() if name == program]
                self.assertTrue(stopped, program)
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)
                mail.sendmail("bob@example.test", input=f"Subject: {program}\n\nx\n", check=True)
                time.sleep(1)
                self.assertNotIn(program, [m["Subject"] for m in mail.mail("bob")])
                for pid in stopped:
                    os.kill(pid, signal.SIGCONT)
                wait_for(lambda name=program: name in [m["Subject"] for m in mail.mail("bob")], 20, program)
            mail.wait_empty()
            self.assertEqual(len(mail.mail("bob")), 4)

    def test_Q26_a_daemon_that_cannot_start_is_throttled_and_the_others_go_on(self):
        with Instance(main_cf={"relay_domains": "broken.test", "transport_maps": "inline:{broken.test=broken:}",
                               "service_throttle_time": "2"},
                      master_cf="broken unix - - n - - pipe\n  user=nobody flags=? argv=/bin/true\n") as mail:
            mail.send("bob@example.test", ["x@broken.test", "alice@example.test"], "Subject: x\n\nx\n")
            mail.wait_mail("alice")
            mail.wait_log(r"bad command startup -- throttling", 15)
            mail.crashes_expected = True
            starts = len(re.findall(r"/pipe\[\d+\]: fatal", mail.log()))
            time.sleep(1)
            self.assertLessEqual(len(re.findall(r"/pipe\[\d+\]: fatal", mail.log())), starts + 1)
            self.assertEqual([r["address"] for m in mail.mailq() for r in m["recipients"]], ["x@broken.test"])
            mail.send("alice@example.test", "bob@example.test", "Subject: still\n\nx\n")
            mail.wait_mail("bob")


if __name__ == "__main__":
    unittest.main()
