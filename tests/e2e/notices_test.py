"""What a sender is told: failure notices, delay warnings, delivery reports."""

import os
import time
import unittest

from smtp_peer import SmtpPeer
from umaya_instance import Instance, delivery_status, wait_for

OUT = {"minimal_backoff_time": "1s", "queue_run_delay": "1s", "maximal_backoff_time": "2s"}


def refuse(address):
    return "550 5.1.1 <%s>: no such user here" % address


class Failure(unittest.TestCase):
    def test_a_refused_recipient_comes_back_as_a_delivery_report(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: refuse(a) if a.startswith("bad") else "250 2.1.5 Ok"
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
                mail.send("alice@example.test", ["bad@far.test", "good@far.test"], "Subject: mixed\n\nbody text\n",
                          mail_options=["ENVID=QQ+2B1"])
                notice = mail.wait_mail("alice")[0]
                self.assertEqual(notice["Return-Path"], "<>")
                self.assertEqual(notice["Auto-Submitted"], "auto-replied")
                self.assertEqual(notice.get_content_type(), "multipart/report")
                self.assertEqual(notice.get_param("report-type"), "delivery-status")
                message, recipients = delivery_status(notice)
                self.assertEqual(message["Reporting-MTA"], "dns; server.example.test")
                self.assertEqual(message["Original-Envelope-Id"], "QQ+1")
                self.assertEqual(len(recipients), 1)
                self.assertEqual(recipients[0]["Final-Recipient"], "rfc822; bad@far.test")
                self.assertEqual(recipients[0]["Action"], "failed")
                self.assertEqual(recipients[0]["Status"], "5.1.1")
                self.assertIn("550 5.1.1", recipients[0]["Diagnostic-Code"])
                self.assertIn("body text", notice.as_string())
                self.assertEqual(peer.recipients(), ["good@far.test"])
                mail.wait_log(r"[0-9A-F]{6,}: sender non-delivery notification: [0-9A-F]{6,}")
                mail.wait_empty()
                self.assertEqual(mail.queued("bounce", "defer", "trace"), {})

    def test_notify_never_is_silent_and_ret_hdrs_brings_no_body(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = refuse
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
                mail.send("alice@example.test", ["a@far.test"], "Subject: quiet\n\nsecret body\n",
                          rcpt_options=["NOTIFY=NEVER"])
                mail.wait_log("status=bounced")
                mail.wait_empty()
                mail.send("alice@example.test", ["b@far.test"], "Subject: headers\n\nsecret body\n",
                          mail_options=["RET=HDRS"])
                notice = mail.wait_mail("alice")[0]
                self.assertIn("Subject: headers", notice.as_string())
                self.assertNotIn("secret body", notice.as_string())
                time.sleep(0.3)
                self.assertEqual(len(mail.raw_mail("alice")), 1)

    def test_Q14_the_null_sender_gets_no_notice_and_postmaster_one(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = refuse
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}", "notify_classes": "2bounce"},
                          aliases="postmaster: bob\n") as mail:
                mail.send("", ["a@far.test"], "Subject: a bounce\n\nx\n")
                copy = mail.wait_mail("bob")[0]
                self.assertEqual(copy["Subject"], "Postmaster Copy: Undelivered Mail")
                self.assertEqual(copy["Return-Path"], "<double-bounce@server.example.test>")
                mail.wait_empty()
                self.assertEqual(len(mail.raw_mail("bob")), 1)

    def test_an_expired_message_is_returned(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: "450 4.2.0 later"
            with Instance(main_cf=dict(OUT, relayhost=f"[127.0.0.1]:{peer.port}", maximal_queue_lifetime="3s",
                                       bounce_queue_lifetime="3s")) as mail:
                mail.send("alice@example.test", ["x@far.test"], "Subject: too late\n\nx\n")
                mail.wait_log("status=deferred")
                notice = mail.wait_mail("alice", seconds=30)[0]
                _, recipients = delivery_status(notice)
                self.assertEqual(recipients[0]["Action"], "failed")
                self.assertTrue(recipients[0]["Status"].startswith("4."))
                mail.wait_log("status=expired, returned to sender")
                mail.wait_empty()


class Delay(unittest.TestCase):
    def test_a_delay_is_told_once_and_the_message_still_arrives(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: "450 4.2.0 later"
            with Instance(main_cf=dict(OUT, relayhost=f"[127.0.0.1]:{peer.port}", delay_warning_time="1s")) as mail:
                mail.send("alice@example.test", ["x@far.test"], "Subject: slow\n\nx\n")
                notice = mail.wait_mail("alice", seconds=20)[0]
                self.assertEqual(notice["Subject"], "Delayed Mail (still being retried)")
                _, recipients = delivery_status(notice)
                self.assertEqual(recipients[0]["Action"], "delayed")
                self.assertIn("Will-Retry-Until", recipients[0])
                peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
                wait_for(lambda: peer.messages, 20, "the message arrives")
                mail.wait_empty()
                self.assertEqual(len(mail.raw_mail("alice")), 1)


    def test_the_end_of_a_delay_is_told_on_request(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: "450 4.2.0 later"
            settings = {"relayhost": f"[127.0.0.1]:{peer.port}", "delay_warning_time": "1s",
                        "confirm_delay_cleared": "yes", "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
                        "queue_run_delay": "1s"}
            with Instance(main_cf=settings) as mail:
                mail.send("alice@example.test", ["x@far.test"], "Subject: slow\n\nx\n")
                self.assertEqual(mail.wait_mail("alice", 1, 30)[0]["Subject"], "Delayed Mail (still being retried)")
                peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
                report = mail.wait_mail("alice", 2, 30)[1]
                self.assertEqual(report["Subject"], "Successful Mail Delivery Report")
                self.assertEqual(delivery_status(report)[1][0]["Final-Recipient"], "rfc822; x@far.test")
                mail.wait_empty()
                mail.send("alice@example.test", ["x@far.test"], "Subject: quick\n\nx\n")
                mail.wait_empty()
                self.assertEqual(len(mail.raw_mail("alice")), 2)


class Verp(unittest.TestCase):
    def test_sendmail_XV_gives_each_recipient_a_sender_of_its_own_and_its_own_bounce(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: "550 5.1.1 gone" if a == "z@far.test" else "250 2.1.5 Ok"
            with Instance(users=["owner"], main_cf={"relayhost": f"[127.0.0.1]:{peer.port}",
                                                    "recipient_delimiter": "+"}) as mail:
                mail.sendmail("-XV", "-f", "owner@example.test", "x@far.test", "y@far.test", "z@far.test",
                              input="Subject: news\n\nx\n", check=True)
                report = mail.wait_mail("owner")[0]
                self.assertEqual(report["Delivered-To"], "owner+z=far.test@example.test")
                self.assertEqual([r["Final-Recipient"] for r in delivery_status(report)[1]], ["rfc822; z@far.test"])
                mail.wait_empty()
                self.assertEqual(sorted((m["sender"], m["recipients"]) for m in peer.messages),
                                 [("owner+x=far.test@example.test", ["x@far.test"]),
                                  ("owner+y=far.test@example.test", ["y@far.test"])])
                refused = mail.sendmail("-XVab", "-f", "owner@example.test", "x@far.test", input="x\n")
                self.assertEqual(refused.returncode, 64, refused.stderr)
                self.assertIn("verp_delimiter_filter", refused.stderr)


    def test_XVERP_over_smtp_does_the_same_and_is_for_listed_clients(self):
        with SmtpPeer() as peer:
            settings = {"relayhost": f"[127.0.0.1]:{peer.port}", "smtpd_authorized_verp_clients": "127.0.0.0/8"}
            with Instance(users=["owner"], main_cf=settings) as mail:
                with mail.smtp() as client:
                    client.ehlo()
                    self.assertTrue(client.has_extn("xverp"))
                mail.send("owner@example.test", ["x@far.test", "y@far.test"], "Subject: news\n\nx\n",
                          mail_options=["XVERP=-="])
                mail.wait_empty()
                self.assertEqual(sorted((m["sender"], m["recipients"]) for m in peer.messages),
                                 [("owner-x=far.test@example.test", ["x@far.test"]),
                                  ("owner-y=far.test@example.test", ["y@far.test"])])
                mail.set(smtpd_authorized_verp_clients="")
                mail.reload()
                wait_for(lambda: not self.offered(mail), 10, "XVERP is no longer offered")

    def offered(self, mail):
        with mail.smtp() as client:
            client.ehlo()
            return client.has_extn("xverp")


class Probes(unittest.TestCase):
    def test_S31_what_a_local_user_asks_with_bv_is_remembered_by_nobody(self):
        """There is no address verification yet: a verify-only message makes a report, and no result outlives it."""
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = refuse
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
                before = self.kept(mail)
                for sender in ("alice@example.test", "double-bounce@server.example.test"):
                    mail.sendmail("-bv", "-f", sender, "victim@far.test", check=True)
                self.assertEqual(delivery_status(mail.wait_mail("alice")[0])[1][0]["Action"], "undeliverable")
                mail.wait_empty()
                self.assertEqual(mail.queued("bounce", "defer", "trace"), {})
                self.assertEqual(self.kept(mail), before)
                peer.reply_to_rcpt = lambda a: "250 2.1.5 Ok"
                mail.send("bob@example.test", ["victim@far.test"], "Subject: true\n\nx\n")
                mail.wait_empty()
                self.assertEqual(peer.recipients(), ["victim@far.test"])

    @staticmethod
    def kept(mail):
        """Files outside the queue, mailboxes and the log."""
        found = set()
        for directory, _, files in os.walk(mail.config):
            if not directory.startswith((mail.queue_path(), mail.path("home"))):
                found.update(os.path.join(directory, name) for name in files)
        return found


class Filters(unittest.TestCase):
    def test_a_delivery_status_filter_changes_log_and_notice(self):
        with Instance(main_cf={"local_recipient_maps": ""}, start=False) as mail:
            mail.write("filter", "/^5\\.1\\.1 unknown user/ 5.1.0 ask us first\n")
            mail.set(local_delivery_status_filter=f"regexp:{mail.path('filter')}")
            mail.start()
            mail.send("alice@example.test", ["nobody-here@example.test"], "Subject: x\n\nx\n")
            report = mail.wait_mail("alice")[0]
            self.assertEqual(delivery_status(report)[1][0]["Status"], "5.1.0")
            self.assertIn("ask us first", report.as_string())
            mail.wait_log(r"to=<nobody-here@example\.test>, relay=local, .*dsn=5\.1\.0, status=bounced \(ask us first\)")

    def test_smtp_reply_filter_mends_what_a_server_says(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: "550 5.7.1 greylisted, come back"
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}, start=False) as mail:
                mail.write("filter", "/^550 5\\.7\\.1 (greylisted.*)/ 450 4.7.1 $1\n")
                mail.set(smtp_reply_filter=f"regexp:{mail.path('filter')}")
                mail.start()
                mail.send("alice@example.test", ["x@far.test"], "Subject: x\n\nx\n")
                mail.wait_log(r"to=<x@far\.test>, .*dsn=4\.7\.1, status=deferred \(.* said: 450 4\.7\.1 greylisted")


class Reports(unittest.TestCase):
    def test_notify_success_reports_a_local_delivery(self):
        with Instance() as mail:
            mail.send("alice@example.test", ["bob@example.test"], "Subject: registered\n\nx\n",
                      mail_options=["RET=HDRS", "ENVID=one"],
                      rcpt_options=["NOTIFY=SUCCESS", "ORCPT=rfc822;Bob+2Bx@example.test"])
            report = mail.wait_mail("alice")[0]
            self.assertEqual(report["Subject"], "Successful Mail Delivery Report")
            message, recipients = delivery_status(report)
            self.assertEqual(message["Original-Envelope-Id"], "one")
            self.assertEqual(recipients[0]["Action"], "delivered")
            self.assertEqual(recipients[0]["Original-Recipient"], "rfc822;Bob+x@example.test")
            mail.wait_empty()

    def test_success_of_an_alias_is_told_once_as_expanded(self):
        aliases = "list: bob, carol\nowned: bob, carol\nowner-owned: carol\n"
        for name in ("list", "owned"):
            with self.subTest(name), Instance(users=["alice", "bob", "carol"], aliases=aliases) as mail:
                mail.send("alice@example.test", [f"{name}@example.test"], "Subject: all\n\nx\n",
                          mail_options=["ENVID=two"],
                          rcpt_options=["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{name}@example.test"])
                mail.wait_mail("bob")
                report = mail.wait_mail("alice")[0]
                message, recipients = delivery_status(report)
                self.assertEqual(message["Original-Envelope-Id"], "two")
                self.assertEqual([r["Action"] for r in recipients], ["expanded"])
                self.assertEqual(recipients[0]["Final-Recipient"], f"rfc822; {name}@example.test")
                mail.wait_empty()
                self.assertEqual(len(mail.raw_mail("alice")), 1)

    def test_success_of_a_virtual_alias_is_told_once_as_expanded_and_failures_still_come(self):
        with SmtpPeer() as peer:
            peer.reply_to_rcpt = lambda a: refuse(a) if a.startswith("bad") else "250 2.1.5 Ok"
            maps = "inline:{{all@example.test=bob@example.test,x@far.test,bad@far.test}}"
            with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}", "virtual_alias_maps": maps}) as mail:
                mail.send("alice@example.test", ["all@example.test"], "Subject: all\n\nx\n",
                          rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;all@example.test"])
                mail.wait_mail("bob")
                told = {}
                for report in mail.wait_mail("alice", 2):
                    for recipient in delivery_status(report)[1]:
                        told[recipient["Final-Recipient"]] = recipient["Action"]
                        self.assertEqual(recipient["Original-Recipient"], "rfc822;all@example.test")
                self.assertEqual(told, {"rfc822; all@example.test": "expanded", "rfc822; bad@far.test": "failed"})
                self.assertIn("NOTIFY=FAILURE", " ".join(peer.messages[0]["parameters"]))
                mail.wait_empty()
                self.assertEqual(len(mail.raw_mail("alice")), 2)
                self.assertEqual(len(mail.raw_mail("bob")), 1)

    def test_success_is_passed_on_to_a_server_with_dsn_and_reported_relayed_otherwise(self):
        for extensions, reports in ((SmtpPeer.EXTENSIONS, 0), (("PIPELINING",), 1)):
            with self.subTest(extensions), SmtpPeer(extensions) as peer:
                with Instance(main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
                    mail.send("alice@example.test", ["x@far.test"], "Subject: out\n\nx\n",
                              rcpt_options=["NOTIFY=SUCCESS,FAILURE"])
                    mail.wait_log("status=sent")
                    mail.wait_empty()
                    self.assertEqual(len(mail.raw_mail("alice")), reports)
                    if reports:
                        self.assertEqual(delivery_status(mail.mail("alice")[0])[1][0]["Action"], "relayed")
                    else:
                        self.assertIn("NOTIFY=SUCCESS,FAILURE", " ".join(peer.messages[0]["parameters"]))

    def test_bv_reports_what_would_be_done_and_delivers_nothing(self):
        with Instance() as mail:
            done = mail.sendmail("-bv", "-f", "alice@example.test", "bob", "nobody.here")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Mail Delivery Status Report will be mailed to <alice@example.test>.", done.stdout)
            report = mail.wait_mail("alice")[0]
            actions = {r["Final-Recipient"]: r["Action"] for r in delivery_status(report)[1]}
            self.assertEqual(actions, {"rfc822; bob@example.test": "deliverable",
                                       "rfc822; nobody.here@example.test": "undeliverable"})
            mail.wait_empty()
            self.assertEqual(mail.raw_mail("bob"), [])

    def test_v_delivers_and_reports(self):
        with Instance() as mail:
            mail.sendmail("-v", "-f", "alice@example.test", "bob", input="Subject: v\n\nx\n")
            self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "v")
            report = mail.wait_mail("alice")[0]
            self.assertEqual(delivery_status(report)[1][0]["Action"], "delivered")


if __name__ == "__main__":
    unittest.main()
