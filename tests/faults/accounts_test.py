"""The checker of the fault harness must see what is missing, doubled, changed or returned for no reason."""

import unittest

from accounts import Entry, Evidence, body_hash, check

BODY = b"hello\r\n.dots\r\n"
USER, GONE, FAR = "u1@example.test", "gone@far.test", "r@far.test"
SENDER = "u0@example.test"


def places_of(recipient, sender):
    if recipient == "list@example.test":
        return [("mailbox", USER), ("mailbox", SENDER)]
    kind = {"gone": ("bounce", recipient, sender), "r": ("host", recipient)}
    return [kind.get(recipient.split("@")[0], ("mailbox", recipient))]


def message(identity, body=BODY, head=b"Return-Path: <u0@example.test>\r\n"):
    return head + b"X-Ledger-Id: " + identity.encode() + b"\r\nSubject: x\r\n\r\n" + body


def report(identity, recipient, action="failed", original=None):
    fields = f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\n"
    if original:
        fields = f"Original-Recipient: rfc822;{original}\r\n" + fields
    return (b"From: MAILER-DAEMON\r\nContent-Type: multipart/report; boundary=\"b\"\r\n\r\n--b\r\n"
            b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; here\r\n\r\n" + fields.encode() +
            b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + message(identity) + b"\r\n--b--\r\n")


def queue_file(identity, pending, done=()):
    lines = [f"done_recipient: {a}" for a in done] + [f"recipient: {a}" for a in pending]
    return ("*** ENVELOPE RECORDS x ***\nsender: u0@example.test\n" + "\n".join(lines) +
            f"\n*** MESSAGE CONTENTS x ***\nX-Ledger-Id: {identity}\nSubject: x\n\nrecipient: {USER}\n")


class Accounts(unittest.TestCase):
    def setUp(self):
        self.entries = [Entry("A", body_hash(message("A")), SENDER, [USER]),
                        Entry("B", body_hash(message("B")), SENDER, [GONE, FAR]),
                        Entry("C", body_hash(message("C")), SENDER, ["list@example.test"])]
        self.mailboxes = {USER: [message("A"), message("C", BODY.replace(b"\r\n", b"\n"))],
                          SENDER: [report("B", GONE), message("C")]}
        self.host = [{"data": message("B"), "recipients": [FAR]}]
        self.queue = []

    def find(self, crashes=0):
        evidence = Evidence()
        for owner, messages in self.mailboxes.items():
            evidence.add_mailbox(owner, messages)
        evidence.add_next_host(self.host)
        for shown in self.queue:
            evidence.add_queue_file(shown)
        return check(self.entries, evidence, places_of, crashes)

    def test_all_in_its_place_is_good(self):
        findings = self.find()
        self.assertTrue(findings.good(), findings)
        self.assertEqual(findings.places, {"mailbox": 3, "bounce": 1, "host": 1})
        self.assertEqual((findings.copies, findings.unknown), (0, 0))

    def test_a_mailbox_file_that_is_gone_is_a_loss(self):
        del self.mailboxes[USER][0]
        self.assertEqual(self.find().lost, [("A", ("mailbox", USER))])

    def test_a_list_loses_one_member_at_a_time(self):
        del self.mailboxes[SENDER][1]
        self.assertEqual(self.find().lost, [("C", ("mailbox", SENDER))])

    def test_what_waits_in_the_queue_is_not_lost(self):
        del self.mailboxes[USER][0]
        self.queue.append(queue_file("A", [USER]))
        findings = self.find()
        self.assertTrue(findings.good(), findings)
        self.assertEqual(findings.places["queue"], 1)

    def test_a_recipient_that_the_queue_has_done_with_is_lost(self):
        del self.mailboxes[USER][0]
        self.queue.append(queue_file("A", ["other@example.test"], done=[USER]))
        self.assertEqual(len(self.find().lost), 1)

    def test_a_bounce_counts_only_in_the_mailbox_of_the_sender_and_only_as_a_failure(self):
        for wrong in ({USER: [report("B", GONE)]}, {SENDER: [report("B", GONE, "delayed")]}, {SENDER: [report("B", FAR)]},
                      {SENDER: []}):
            self.setUp()
            del self.mailboxes[SENDER][0]
            for owner, messages in wrong.items():
                self.mailboxes[owner] += messages
            self.assertEqual(self.find().lost, [("B", ("bounce", GONE, SENDER))], wrong)

    def test_a_forwarded_recipient_is_named_as_it_was_at_first(self):
        self.mailboxes[SENDER][0] = report("B", "nobody@example.test", original=GONE)
        self.assertTrue(self.find().good())

    def test_a_message_that_the_next_host_has_not_is_lost(self):
        self.host = []
        self.assertEqual(self.find().lost, [("B", ("host", FAR))])

    def test_a_doubled_file_is_a_copy_and_too_many_without_a_crash(self):
        self.mailboxes[USER].append(message("A"))
        findings = self.find(crashes=1)
        self.assertEqual((findings.copies, findings.most_copies, findings.beyond), (1, 1, []))
        self.assertTrue(findings.good())
        self.entries[0].crashes = 1  # sent after the only crash
        self.assertEqual(self.find(crashes=1).beyond, [("A", ("mailbox", USER))])

    def test_copies_of_what_was_not_acknowledged_count_too(self):
        self.mailboxes[USER] += [message("Z"), message("Z")]
        findings = self.find(crashes=1)
        self.assertEqual((findings.unknown, findings.copies), (1, 1))

    def test_a_second_bounce_is_a_copy(self):
        self.mailboxes[SENDER].append(report("B", GONE))
        self.assertEqual(self.find(crashes=5).copies, 1)

    def test_a_changed_or_cut_text_is_damage(self):
        for body in (BODY + b"x\r\n", BODY[:-4], b""):
            self.mailboxes[USER][0] = message("A", body)
            self.assertEqual(self.find().damaged, [("A", ("mailbox", USER))], body)

    def test_mail_that_is_returned_though_its_recipient_exists_is_misplaced(self):
        self.mailboxes[SENDER].append(report("A", USER))
        self.assertEqual(self.find().misplaced, [("A", ("bounce", USER, SENDER))])


if __name__ == "__main__":
    unittest.main()
