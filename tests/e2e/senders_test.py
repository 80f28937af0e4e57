"""Programs that people send mail with: swaks, Python's smtplib, a dialogue by hand, mail(1), cron.

swaks and mail(1) come from Debian's packages, unpacked beside the build.
"""

import email.message
import email.policy
import os
import smtplib
import socket
import subprocess
import sys
import unittest

from umaya_instance import BUILD, PATIENCE, Instance

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

PACKAGES = ["swaks", "bsd-mailx"]


def unix_text(message):
    return message.get_content().replace("\r\n", "\n")


class Packaged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.roots = dict(zip(PACKAGES, sandbox.download(PACKAGES, os.path.join(BUILD, "peers"))))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the programs cannot be fetched: {error}") from error
        cls.environment = dict(os.environ, LD_LIBRARY_PATH=sandbox.library_path(cls.roots.values()))

    def run_program(self, *command, input=None, **environment):
        done = subprocess.run(command, env=dict(self.environment, **environment), input=input, text=True,
                              stdin=None if input is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout


class Swaks(Packaged):
    def swaks(self, mail, *arguments):
        return self.run_program("perl", os.path.join(self.roots["swaks"], "usr/bin/swaks"), "--server", "127.0.0.1",
                                "--port", str(mail.port), "--helo", "client.test", "--from", "alice@example.test",
                                *arguments)

    def test_swaks_delivers_to_one_and_to_several(self):
        with Instance(users=["alice", "bob", "carol"]) as mail:
            said = self.swaks(mail, "--to", "bob@example.test", "--header", "Subject: by swaks", "--body", "first\nsecond")
            self.assertRegex(said, r"<-  250 2\.0\.0 Ok: queued as ")
            message = mail.wait_mail("bob")[0]
            self.assertEqual(message["Subject"], "by swaks")
            self.assertEqual(unix_text(message).rstrip("\n"), "first\nsecond")
            self.swaks(mail, "--to", "alice@example.test,bob@example.test,carol@example.test", "--header", "Subject: three")
            for user, count in (("alice", 1), ("bob", 2), ("carol", 1)):
                self.assertEqual(mail.wait_mail(user, count)[-1]["Subject"], "three")
            self.assertEqual(len(mail.wait_log("nrcpt=3")), 1)

    def test_swaks_delivers_a_big_body_and_with_pipelining(self):
        with Instance() as mail:
            lines = [f"{i:06} " + "big " * 15 for i in range(40000)]
            mail.write("body", "\n".join(lines) + "\n")
            self.swaks(mail, "--to", "bob@example.test", "--header", "Subject: big", "--body", "@" + mail.path("body"))
            self.assertEqual(unix_text(mail.wait_mail("bob")[0]).rstrip("\n").split("\n"), lines)
            said = self.swaks(mail, "--pipeline", "--to", "bob@example.test,nobody@example.test,alice@example.test",
                              "--header", "Subject: ahead")
            self.assertIn("550 5.1.1 <nobody@example.test>", said)
            self.assertEqual(mail.wait_mail("bob", 2)[1]["Subject"], "ahead")
            self.assertEqual(mail.wait_mail("alice")[0]["Subject"], "ahead")


class Smtplib(unittest.TestCase):
    def test_send_message_delivers_with_attachment_to_all_header_recipients(self):
        message = email.message.EmailMessage()
        message["From"], message["To"], message["Cc"] = "alice@example.test", "bob@example.test", "alice@example.test"
        message["Bcc"] = "carol@example.test"
        message["Subject"] = "Grüße"
        message.set_content("schöner Text\n.\n.. Punkte\n")
        message.add_attachment(bytes(range(256)) * 300, maintype="application", subtype="octet-stream", filename="all")
        with Instance(users=["alice", "bob", "carol"]) as mail:
            with mail.smtp() as client:
                self.assertEqual(client.send_message(message), {})
            for user in ("alice", "bob", "carol"):
                got = mail.wait_mail(user)[0]
                self.assertEqual(got["Subject"], "Grüße")
                self.assertIsNone(got["Bcc"])
                text, attachment = got.iter_parts()
                self.assertEqual(unix_text(text), "schöner Text\n.\n.. Punkte\n")
                self.assertEqual(attachment.get_content(), bytes(range(256)) * 300)

    def test_send_message_uses_smtputf8_for_an_address_that_needs_it(self):
        message = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
        message["From"], message["To"], message["Subject"] = "zoë@example.test", "bob@example.test", "naïve"
        message.set_content("x\n")
        with Instance() as mail:
            with mail.smtp() as client:
                client.ehlo()
                self.assertTrue(client.has_extn("smtputf8"))
                client.send_message(message)
            mail.wait_mail("bob")
            raw = mail.raw_mail("bob")[0]
            self.assertIn("From: zoë@example.test".encode(), raw)
            self.assertIn("Return-Path: <zoë@example.test>".encode(), raw)
            self.assertIn(b"with UTF8SMTP id", raw)

    def test_size_is_announced_and_kept_to(self):
        with Instance(main_cf={"message_size_limit": "100000"}) as mail, mail.smtp() as client:
            client.ehlo()
            self.assertEqual(client.esmtp_features["size"], "100000")
            with self.assertRaises(smtplib.SMTPSenderRefused) as refused:
                client.sendmail("alice@example.test", ["bob@example.test"], "x" * 100001)
            self.assertEqual((refused.exception.smtp_code, refused.exception.smtp_error),
                             (552, b"5.3.4 Message size exceeds fixed limit"))
            client.sendmail("alice@example.test", ["bob@example.test"], "Subject: fits\n\n" + ("x" * 70 + "\n") * 1000)
            self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "fits")


class ByHand(unittest.TestCase):
    def test_a_dialogue_typed_by_hand_delivers(self):
        dialogue = [("helo typist.test", "250 "), ("vrfy bob", "252 2.0.0 bob"), ("Mail From: alice@example.test", "250 2.1.0 "),
                    ("rcpt to: <nobody@example.test>", "550 5.1.1 "), ("rcpt to:bob@example.test", "250 2.1.5 "),
                    ("what now?", "500 5.5.2 "), ("data", "354 "), ("Subject: typed\r\n\r\nHello Bob\r\n..\r\n.", "250 2.0.0 "),
                    ("noop", "250 2.0.0 Ok"), ("quit", "221 2.0.0 Bye")]
        with Instance() as mail:
            with socket.create_connection(("127.0.0.1", mail.port), 20 * PATIENCE) as s, s.makefile("rb") as replies:
                self.assertRegex(replies.readline().decode(), "^220 .* ESMTP ")
                for line, expected in dialogue:
                    s.sendall(line.encode() + b"\r\n")
                    self.assertTrue(replies.readline().decode().startswith(expected), line)
                self.assertEqual(replies.readline(), b"")
            message = mail.wait_mail("bob")[0]
            self.assertEqual((message["Subject"], message["Return-Path"]), ("typed", "<alice@example.test>"))
            self.assertEqual(unix_text(message), "Hello Bob\n.\n")
            self.assertIn("with SMTP id", message["Received"])


class Mailx(Packaged):
    def mailx(self, mail, *arguments, input):
        mail.write("mailrc", f"set sendmail={os.path.join(BUILD, 'bin', 'sendmail')}\n")
        return self.run_program(os.path.join(self.roots["bsd-mailx"], "usr/bin/bsd-mailx"), *arguments, input=input,
                                MAILRC=mail.path("mailrc"), MAIL_CONFIG=mail.config)

    def test_mail_1_delivers_with_subject_copies_and_a_header(self):
        with Instance(users=["alice", "bob", "carol", "dave"]) as mail:
            self.mailx(mail, "-s", "by mail(1)", "-c", "carol@example.test", "-b", "dave@example.test", "-a",
                       "X-Ticket: 42", "bob@example.test", input="first line\n.\nafter the dot\n")
            for user in ("bob", "carol", "dave"):
                message = mail.wait_mail(user)[0]
                self.assertEqual((message["Subject"], message["To"], message["Cc"], message["X-Ticket"]),
                                 ("by mail(1)", "bob@example.test", "carol@example.test", "42"))
                self.assertIsNone(message["Bcc"])
                self.assertEqual(unix_text(message), "first line\n.\nafter the dot\n")
                self.assertRegex(message["Message-Id"], r"^<.*@.*>$")
                self.assertIsNotNone(message["Date"])

    def test_mail_1_delivers_to_a_bare_name_and_with_a_sender_given(self):
        with Instance() as mail:
            self.mailx(mail, "-s", "bare", "-r", "alice@example.test", "bob", input="x\n")
            message = mail.wait_mail("bob")[0]
            self.assertEqual((message["Subject"], message["Return-Path"]), ("bare", "<alice@example.test>"))
            self.assertEqual(message["To"].split("@")[0], "bob")


CRON = """\
From: "(Cron Daemon)" <alice@example.test>
To: bob
Subject: Cron <alice@server> /usr/local/bin/backup --all
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
Auto-Submitted: auto-generated
Precedence: bulk
X-Cron-Env: <XDG_SESSION_ID=42>
X-Cron-Env: <LANG=de_DE.UTF-8>
X-Cron-Env: <SHELL=/bin/sh>
X-Cron-Env: <HOME=/home/alice>
X-Cron-Env: <PATH=/usr/bin:/bin>
X-Cron-Env: <LOGNAME=alice>
X-Cron-Env: <USER=alice>

gesichert: 3 Verzeichnisse, größtes: /home
.
From here on nothing was done
"""


class Cron(unittest.TestCase):
    def check(self, message):
        self.assertEqual(message["Subject"], "Cron <alice@server> /usr/local/bin/backup --all")
        self.assertEqual((message["Auto-Submitted"], message["Precedence"]), ("auto-generated", "bulk"))
        self.assertEqual(message["Return-Path"], "<alice@example.test>")
        self.assertEqual(message["From"], '"(Cron Daemon)" <alice@example.test>')
        self.assertEqual(len(message.get_all("X-Cron-Env")), 7)
        self.assertEqual(unix_text(message), CRON.split("\n\n", 1)[1])

    def test_cronie_posts_with_t_and_the_headers_name_the_recipient(self):
        with Instance() as mail:
            done = mail.sendmail("-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-falice@example.test", input=CRON)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            message = mail.wait_mail("bob")[0]
            self.check(message)
            self.assertRegex(message["To"], "^bob@")

    def test_vixie_cron_posts_with_the_recipient_on_the_command_line(self):
        with Instance(domain="example.test", main_cf={"myorigin": "example.test"}) as mail:
            done = mail.sendmail("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "-f", "alice", "bob", input=CRON)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.check(mail.wait_mail("bob")[0])


if __name__ == "__main__":
    unittest.main()
