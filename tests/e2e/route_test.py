"""The main route: SMTP and sendmail in, Maildir and other hosts out."""

import hashlib
import os
import subprocess
import time
import unittest

from smtp_peer import SmtpPeer
from umaya_instance import BUILD, Instance, wait_for

LIST = "list: k.mizo, s.shio, k.kikk, k.fuku\npostmaster: k.mizo\n"
USERS = ["k.mizo", "s.shio", "k.kikk", "k.fuku"]


class SmtpToMaildir(unittest.TestCase):
    def test_a_message_by_smtp_reaches_the_maildir_with_its_trace(self):
        with Instance() as mail:
            mail.send("alice@example.test", "bob@example.test", "From: alice@example.test\nSubject: hello\n\nline\n.dot\n")
            message = mail.wait_mail("bob")[0]
            self.assertEqual(message["Subject"], "hello")
            self.assertEqual(message["Return-Path"], "<alice@example.test>")
            self.assertEqual(message["Delivered-To"], "bob@example.test")
            self.assertIn("with ESMTP id", message["Received"])
            self.assertIsNotNone(message["Message-Id"])
            self.assertIsNotNone(message["Date"])
            self.assertEqual(message.get_content().replace("\r\n", "\n"), "line\n.dot\n")
            mail.wait_empty()
            mail.wait_log(r"to=<bob@example\.test>, relay=local, .*status=sent \(delivered to maildir\)")

    def test_removed_stands_below_the_status_of_every_recipient_in_the_log(self):
        maps = {"transport_maps": "inline:{discarded.test=discard:, {refused.test = error:5.1.1 no}}"}
        with Instance(main_cf=maps) as mail:
            to = ["bob@example.test", "alice@example.test", "gone@discarded.test", "no@refused.test"]
            for number in range(30):
                mail.sendmail("-f", "alice@example.test", *to, input=f"Subject: {number}\n\nbody\n", check=True)
            mail.wait_mail("alice", 60)  # and as many notices
            mail.wait_empty()
            late = []
            lines = mail.log().splitlines()
            removed = {line.split()[5]: at for at, line in enumerate(lines) if line.endswith(": removed")}
            self.assertEqual(len(removed), 60)
            for at, line in enumerate(lines):
                if ", status=" in line and at > removed.get(line.split()[5], at):
                    late.append(line)
            self.assertEqual(late, [])

    def test_S12_lines_of_any_length_are_kept_and_broken_at_998_on_the_way_out(self):
        with SmtpPeer() as peer, Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
            lengths = [998, 1000, 1001, 65536, 5 * 1024 * 1024]
            lines = [chr(ord("a") + i) * length for i, length in enumerate(lengths)]
            mail.send("alice@example.test", ["bob@example.test", "far@away.test"],
                      "Subject: long\r\n\r\n" + "\r\n".join(lines) + "\r\n")
            mail.wait_mail("bob")
            here = mail.raw_mail("bob")[0].decode().split("\n\n", 1)[1]
            self.assertTrue(here == "\n".join(lines) + "\n", "the mailbox has other text")
            wait_for(lambda: peer.messages, 20, "the peer has the message")
            there = peer.messages[0]["data"].split(b"\r\n\r\n", 1)[1].decode()
            self.assertLessEqual(max(len(line) for line in there.split("\r\n")), 998)
            for line in lines:
                self.assertEqual(there.count(line[0]), len(line))

    def test_two_thousand_lines_and_long_lines_arrive_unchanged(self):
        with Instance() as mail:
            body = "".join(f"{i} {'x' * (i % 990)}\n" for i in range(2000))
            mail.send("alice@example.test", "bob@example.test", "Subject: big\n\n" + body)
            message = mail.raw_mail("bob") if mail.wait_mail("bob") else []
            text = message[0].replace(b"\r\n", b"\n").split(b"\n\n", 1)[1].decode()
            self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), hashlib.sha256(body.encode()).hexdigest())

    def test_unknown_user_is_refused_at_rcpt(self):
        with Instance() as mail, mail.smtp() as client:
            client.ehlo()
            client.mail("alice@example.test")
            code, text = client.rcpt("nobody.here@example.test")
            self.assertEqual(code, 550, text)
            self.assertTrue(text.startswith(b"5.1.1"), text)


class TheList(unittest.TestCase):
    def test_sendmail_to_the_list_reaches_its_four_users(self):
        with Instance(users=USERS, aliases=LIST) as mail:
            done = mail.sendmail("-f", "k.mizo@example.test", "list", input="Subject: to the list\n\nhello\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            for user in USERS:
                message = mail.wait_mail(user)[0]
                self.assertEqual(message["Subject"], "to the list")
                self.assertEqual(len(mail.raw_mail(user)), 1)
            mail.wait_empty()

    def test_smtp_to_the_list_reaches_its_four_users(self):
        with Instance(users=USERS, aliases=LIST) as mail:
            mail.send("k.mizo@example.test", "list@example.test", "Subject: to the list\n\nhello\n")
            for user in USERS:
                self.assertEqual(mail.wait_mail(user)[0]["Subject"], "to the list")
            mail.wait_empty()


class Relay(unittest.TestCase):
    def test_mail_for_another_host_goes_to_the_relayhost(self):
        with SmtpPeer() as peer, Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
            mail.send("alice@example.test", ["x@far.test", "y@far.test"], "Subject: out\n\n.dots\n..\n")
            wait_for(lambda: len(peer.recipients()) == 2, 10, "the peer has both recipients")
            self.assertEqual(peer.messages[0]["sender"], "alice@example.test")
            self.assertIn(b"\r\n\r\n.dots\r\n..\r\n", peer.messages[0]["data"])
            mail.wait_empty()
            mail.wait_log(r"to=<x@far\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*dsn=2\.0\.0, status=sent \(250")

    def test_from_one_instance_to_another(self):
        with Instance(domain="s12.test", users=["ume"]) as far:
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{far.port}"}) as near:
                near.sendmail("-f", "alice@example.test", "ume@s12.test", input="Subject: across\n\nhi\n")
                message = far.wait_mail("ume")[0]
                self.assertEqual(message["Subject"], "across")
                self.assertEqual(len(message.get_all("Received")), 2)
                near.wait_empty()

    def test_an_outsider_may_not_relay(self):
        with Instance(main_cf={"mynetworks": "192.0.2.0/24"}) as mail, mail.smtp() as client:
            client.ehlo()
            client.mail("stranger@far.test")
            code, text = client.rcpt("someone@else.test")
            self.assertIn(code, (454, 554), text)
            self.assertIn(b"Relay access denied", text)
            self.assertEqual(client.rcpt("bob@example.test")[0], 250)


class WhileDown(unittest.TestCase):
    def test_sendmail_works_while_the_daemons_are_down(self):
        with Instance(start=False) as mail:
            done = mail.sendmail("bob", input="Subject: early\n\nhello\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(mail.queued("maildrop")["maildrop"]), 1)
            mail.start()
            self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "early")
            mail.wait_empty()

    def test_what_was_queued_survives_a_restart(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda address: "450 4.2.0 not yet"
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
                mail.send("alice@example.test", "x@far.test", "Subject: later\n\nhello\n")
                mail.wait_log(r"status=deferred")
                mail.stop()
                self.assertEqual(sum(len(v) for v in mail.queued().values()), 1)
                peer.reply_to_rcpt = lambda address: "250 2.1.5 Ok"
                mail.start()
                mail.flush()
                wait_for(lambda: peer.messages, 10, "the message arrives after all")
                mail.wait_empty()

    def test_Q21_reload_under_load_drops_no_message(self):
        with Instance() as mail:
            sent = 0
            for round_number in range(5):
                with mail.smtp() as client:
                    for i in range(10):
                        client.sendmail("alice@example.test", ["bob@example.test"], f"Subject: {round_number}.{i}\n\nx\n")
                        sent += 1
                        if i == 4:
                            mail.reload()
                time.sleep(0.1)
            messages = mail.wait_mail("bob", sent)
            self.assertEqual(len({m["Subject"] for m in messages}), sent)


class Programs(unittest.TestCase):
    """sendmail as scripts call it."""

    def test_cron_style_t_takes_recipients_from_the_headers(self):
        with Instance() as mail:
            text = "From: root (Cron Daemon)\nTo: bob\nBcc: alice\nSubject: Cron <root@host> job\n\noutput\n"
            done = mail.sendmail("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "-t", input=text)
            self.assertEqual(done.returncode, 0, done.stderr)
            message = mail.wait_mail("bob")[0]
            self.assertIsNone(message["Bcc"])
            self.assertEqual(mail.wait_mail("alice")[0]["Subject"], "Cron <root@host> job")

    def test_t_without_recipients_is_64_and_queues_nothing(self):
        with Instance(start=False) as mail:
            done = mail.sendmail("-t", input="Subject: nobody\n\nx\n")
            self.assertEqual(done.returncode, 64)
            self.assertIn("No recipient addresses found in message header", done.stderr)
            self.assertEqual(mail.queued(), {})

    def test_S41_line_ends_in_sender_recipient_and_envid_are_refused(self):
        with Instance(start=False) as mail:
            for arguments in (["-f", "a\nb@x", "bob"], ["bob\nX: y"], ["-V", "id\nX: y", "bob"]):
                done = mail.sendmail(*arguments, input="Subject: x\n\nx\n")
                self.assertEqual(done.returncode, 65, arguments)
                self.assertEqual(mail.queued(), {})

    def test_Q28_a_killed_sender_leaves_no_file(self):
        with Instance(start=False) as mail:
            with subprocess.Popen([os.path.join(BUILD, "bin", "sendmail"), "-C", mail.config, "bob"],
                                  stdin=subprocess.PIPE) as program:
                program.stdin.write(b"Subject: x\n\n" + (b"x" * 70 + b"\n") * 3000)
                program.stdin.flush()
                wait_for(lambda: mail.queued("maildrop"), 5, "the file is begun")
                program.kill()
            wait_for(lambda: not mail.queued("maildrop"), 5, "the unfinished file is removed")

    def test_bs_takes_a_message_by_smtp_on_standard_input(self):
        with Instance() as mail:
            dialogue = ("EHLO here\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
                        "Subject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n")
            done = mail.sendmail("-bs", input=dialogue)
            self.assertIn("250 2.0.0 Ok", done.stdout)
            self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "bs")

    def test_too_large_is_69(self):
        with Instance(start=False, main_cf={"message_size_limit": "10000"}) as mail:
            done = mail.sendmail("bob", input="Subject: x\n\n" + "x" * 20000 + "\n")
            self.assertEqual(done.returncode, 69)
            self.assertEqual(mail.queued(), {})


if __name__ == "__main__":
    unittest.main()
