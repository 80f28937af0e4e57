"""Rewriting, aliases, copies and content checks, as a message that really arrives shows them."""

import os
import smtplib
import unittest

from umaya_instance import Instance, wait_for

HEADER = "From: Alice <alice>\nTo: \"The list\" <team>, bob@sub.example.test\nSubject: hello\n"


class Rewriting(unittest.TestCase):
    def test_addresses_are_mapped_and_completed(self):
        with Instance(users=["alice", "bob", "carol"], main_cf={
            "virtual_alias_maps": "inline:{{team@example.test = bob, carol@example.test}}",
            "canonical_maps": "inline:{alice=Alice.A@example.test}",
            "masquerade_domains": "example.test",
        }) as mail:
            mail.sendmail("-f", "alice", "team", input=HEADER + "\nbody\n", check=True)
            message = mail.wait_mail("bob")[0]
            self.assertEqual(message["From"], "Alice <Alice.A@example.test>")
            self.assertIn(b'To: "The list" <team@example.test>, bob@example.test\n', mail.raw_mail("bob")[0])
            self.assertEqual(message["Return-Path"], "<Alice.A@example.test>")
            self.assertRegex(message["Message-Id"], r"^<\d{14}\.[0-9A-F]+@")
            self.assertTrue(message["Date"])
            mail.wait_mail("carol")
            mail.wait_empty()

    def test_tables_follow_their_files(self):
        with Instance(users=["alice", "bob"], start=False) as mail:
            mail.write("virtual", "info@example.test alice\n")
            mail.tool("postmap", "hash:" + mail.path("virtual"), check=True)
            mail.set(virtual_alias_maps="hash:" + mail.path("virtual"))
            mail.start()
            mail.send("x@example.test", "info@example.test", "Subject: one\n\n1\n")
            mail.wait_mail("alice")
            mail.write("virtual", "info@example.test bob\n")
            mail.tool("postmap", "hash:" + mail.path("virtual"), check=True)
            mail.send("x@example.test", "info@example.test", "Subject: two\n\n2\n")
            self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "two")

    def test_copies(self):
        with Instance(users=["alice", "bob", "archive"], main_cf={
            "always_bcc": "archive",
        }) as mail:
            mail.send("alice@example.test", "bob@example.test", "Subject: x\nBcc: hidden@example.test\n\nbody\n")
            self.assertIsNone(mail.wait_mail("bob")[0]["Bcc"])
            mail.wait_mail("archive")

    def test_content_checks(self):
        with Instance(users=["alice", "bob"], start=False) as mail:
            mail.write("headers", "/^Subject: .*lottery/ REJECT 5.7.1 no games here\n"
                                  "/^Subject: look/ HOLD to be looked at\n"
                                  "/^X-Secret:/ IGNORE\n"
                                  "/^Subject: mark/ PREPEND X-Marked: yes\n")
            mail.write("body", "/^bad words$/ REJECT mind your words\n")
            mail.set(header_checks="regexp:" + mail.path("headers"), body_checks="pcre:" + mail.path("body"))
            mail.start()

            def send(text):
                mail.send("alice@example.test", "bob@example.test", text)

            with self.assertRaises(smtplib.SMTPDataError) as refused:
                send("Subject: the lottery\n\nx\n")
            self.assertEqual(refused.exception.smtp_code, 550)
            self.assertIn(b"5.7.1 no games here", refused.exception.smtp_error)
            with self.assertRaises(smtplib.SMTPDataError):
                send("Subject: fine\n\nbad words\n")
            send("Subject: look\n\nx\n")
            wait_for(lambda: mail.queued("hold"), 5, "the message is held")
            send("Subject: mark this\nX-Secret: 1\n\nx\n")
            message = mail.wait_mail("bob")[0]
            self.assertEqual(message["X-Marked"], "yes")
            self.assertIsNone(message["X-Secret"])
            mail.wait_log(r"reject: header Subject: the lottery from .*; from=<alice@example.test> "
                          r"to=<bob@example.test> proto=ESMTP helo=<client.test>: 5.7.1 no games here")

    def test_a_table_that_cannot_be_asked_only_delays(self):
        with Instance(users=["alice", "bob"], main_cf={"canonical_maps": "fail:on-purpose"}) as mail:
            with self.assertRaises((smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused,
                                    smtplib.SMTPSenderRefused)) as refused:
                mail.send("alice@example.test", "bob@example.test", "Subject: x\n\nx\n")
            error = refused.exception
            code = error.smtp_code if hasattr(error, "smtp_code") else list(error.recipients.values())[0][0]
            self.assertEqual(code // 100, 4)
            self.assertEqual(mail.queued("incoming", "active", "deferred"), {})


class Newaliases(unittest.TestCase):
    def test_names_that_exist_nowhere_are_named_with_a_cure(self):
        with Instance(users=["k.mizo", "k.kikk"], start=False) as mail:
            aliases = mail.path("aliases")
            mail.set(alias_database="hash:" + aliases, alias_maps="hash:" + aliases)
            mail.write("aliases", "# the list\nlist: k.mizo, k,kikk\n")
            done = mail.tool("sendmail", program="newaliases")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f'{aliases}, line 2: list: "k,kikk" exists nowhere', done.stderr)
            self.assertIn('write "k.kikk" instead of "k,kikk"', done.stderr)
            self.assertTrue(os.path.exists(aliases + ".lmdb"))
            found = mail.tool("postalias", "-q", "list", "hash:" + aliases)
            self.assertEqual(found.stdout, "k.mizo, k, kikk\n")


if __name__ == "__main__":
    unittest.main()
