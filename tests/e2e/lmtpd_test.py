"""lmtpd: mail comes in over LMTP and is in the mailbox when the client hears 250.

From smtplib, by hand, from swaks, from our own mail client and from stock Postfix (lmtpd_peers_test.py); with users of
this host and virtual ones, with mixed results, connections that break, and daemons that are killed.
"""

import contextlib
import email.utils
import os
import random
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
import unittest

from local_delivery_test import make_owned, owner, write_owned
from umaya_instance import BUILD, PATIENCE, Instance, free_port, parse, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

TEXT = "From: s@client.test\r\nSubject: {}\r\n\r\nfirst\r\n.a dot\r\nlast\r\n"


def queued(subject, ident="4F0A1BC23DE", age=60):
    """A message as another server's queue hands it over: the same octets with each try."""
    date = email.utils.formatdate(time.time() - age)
    return f"Received: from a (a [192.0.2.1])\r\n\tby front.test (Postfix) with ESMTP id {ident}; {date}\r\n" + \
        TEXT.format(subject)


class Lmtp:
    """A dialogue over a port or a socket."""

    def __init__(self, where):
        if isinstance(where, int):
            self.socket = socket.create_connection(("127.0.0.1", where), 60 * PATIENCE)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(60 * PATIENCE)
            self.socket.connect(where)
        self.input = self.socket.makefile("rb")

    def reply(self):
        """All lines of one reply; ConnectionError when there is none."""
        lines = []
        while True:
            line = self.input.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("closed")
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] == b" ":
                return "\n".join(lines)

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def say(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def open(self, sender, recipients):
        """To the last RCPT; gives the replies to the RCPTs."""
        assert self.reply().startswith("220 ")
        assert self.say("LHLO client.test").startswith("250")
        assert self.say(f"MAIL FROM:<{sender}>").startswith("250")
        return [self.say(f"RCPT TO:<{r}>") for r in recipients]

    def text(self, message, accepted=1):
        """DATA and the message; gives a reply for each recipient."""
        assert self.say("DATA").startswith("354")
        self.send(message.replace("\r\n.", "\r\n..") + ".\r\n")
        return [self.reply() for _ in range(accepted)]

    def close(self):
        self.input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class LmtpInstance(Instance):
    """An instance with lmtpd on a port and on public/lmtpd; domain v.test has virtual mailboxes ann, ben and those of
    boxes."""

    def __init__(self, users=("alice", "bob"), boxes=("ann", "ben"), main_cf=None, service="", private="n", **options):
        self.lmtp_port = free_port()
        super().__init__(users=users, start=False, **options)
        uid, gid = owner()
        make_owned(self.path("virtual"))
        self.write("boxes", "".join(f"{box}@v.test v.test/{box}/\n" for box in boxes))
        self.set(**{"virtual_mailbox_domains": "v.test", "virtual_mailbox_base": self.path("virtual"),
                    "virtual_mailbox_maps": f"texthash:{self.path('boxes')}", "virtual_uid_maps": f"static:{uid}",
                    "virtual_gid_maps": f"static:{gid}", "virtual_minimum_uid": "1", **(main_cf or {})})
        options = "".join(f"  -o {option}\n" for option in service.split())
        self.edit_master(f"127.0.0.1:{self.lmtp_port} inet n - n - - lmtpd\n{options}"
                         f"lmtpd unix {private} - n - - lmtpd\n{options}")
        self.start()

    def lmtp(self):
        return Lmtp(self.lmtp_port)

    def deliver(self, recipients, message, sender="s@client.test"):
        """One message; gives the replies to the text. All recipients are accepted."""
        with self.lmtp() as client:
            for reply in client.open(sender, recipients):
                assert reply.startswith("250"), reply
            replies = client.text(message, len(recipients))
            client.say("QUIT")
            return replies

    def box_names(self, box):
        directory = self.path("virtual", "v.test", box, "new")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def box(self, box):
        found = []
        for name in self.box_names(box):
            with open(self.path("virtual", "v.test", box, "new", name), "rb") as f:
                found.append(f.read())
        return found


class Dialogue(unittest.TestCase):
    def test_smtplib_gets_a_reply_for_each_recipient(self):
        with LmtpInstance(users=["alice", "bob"]) as mail:
            client = smtplib.LMTP("127.0.0.1", mail.lmtp_port, local_hostname="client.test", timeout=60 * PATIENCE)
            self.assertEqual(client.ehlo()[0], 250)
            for keyword in ("pipelining", "enhancedstatuscodes", "8bitmime", "chunking", "size", "smtputf8"):
                self.assertTrue(client.has_extn(keyword), keyword)
            self.assertFalse(client.has_extn("dsn"))
            self.assertEqual(client.mail("s@client.test")[0], 250)
            self.assertEqual(client.rcpt("alice@example.test")[0], 250)
            code, text = client.rcpt("nobody@example.test")
            self.assertEqual((code, text[:6]), (550, b"5.1.1 "))
            self.assertEqual(client.rcpt("nobody@v.test")[0], 550)
            self.assertEqual(client.rcpt("a@elsewhere.test")[0], 550)
            self.assertEqual(client.rcpt("ann@v.test")[0], 250)
            code, text = client.data(TEXT.format("mixed"))
            self.assertEqual((code, text[:27]), (250, b"2.0.0 <alice@example.test> "))
            code, text = client.getreply()
            self.assertEqual((code, text[:18]), (250, b"2.0.0 <ann@v.test>"))
            client.quit()
            for raw in (mail.raw_mail("alice")[0], mail.box("ann")[0]):
                message = parse(raw)
                self.assertEqual(message["Subject"], "mixed")
                self.assertRegex(str(message["Received"]), r"from client\.test .*with LMTP id \w+; ")
                self.assertEqual(message["Return-Path"], "<s@client.test>")
                self.assertIn(b"\n.a dot\n", raw)
            mail.wait_log(r"lmtpd\[\d+\]: (\w+): message-id=(?s:.*)\1: from=<s@client.test>, size=\d+, nrcpt=2")
            for recipient, relay in (("alice@example.test", "local"), ("ann@v.test", "virtual")):
                lines = mail.wait_log(rf"to=<{recipient}>, relay={relay}, .*, dsn=2\.0\.0, status=sent")
                self.assertEqual(len(lines), 1)
            mail.wait_log(r"lmtpd\[\d+\]: \w+: reject: RCPT from localhost\[127\.0\.0\.1\]: 550 5\.1\.1 <nobody@v\.test>")
            self.assertEqual(mail.queued(), {})

    def test_a_recipient_that_fails_at_delivery_does_not_harm_the_others(self):
        with LmtpInstance() as mail:
            make_owned(mail.path("virtual", "v.test"))
            write_owned(mail.path("virtual", "v.test", "ben"), "a file in place of a Maildir\n")
            with mail.lmtp() as client:
                replies = client.open("s@client.test", ["ann@v.test", "nobody@v.test", "ben@v.test", "bob@example.test"])
                self.assertEqual([r[:3] for r in replies], ["250", "550", "250", "250"])
                replies = client.text(TEXT.format("one fails"), 3)
                self.assertRegex(replies[0], r"^250 2\.0\.0 <ann@v\.test> delivered to maildir$")
                self.assertRegex(replies[1], r"^45\d 4\.\d\.\d <ben@v\.test> ")
                self.assertRegex(replies[2], r"^250 2\.0\.0 <bob@example\.test> delivered to maildir$")
                self.assertTrue(client.say("NOOP").startswith("250"))
            self.assertEqual((len(mail.box("ann")), len(mail.raw_mail("bob"))), (1, 1))
            mail.wait_log(r"to=<ben@v\.test>, relay=virtual, .*status=deferred")
            self.assertEqual(mail.queued(), {})

    def test_file_names_say_how_large_the_message_is(self):
        with LmtpInstance() as mail:
            mail.deliver(["ann@v.test", "alice@example.test"], TEXT.format("sizes"))
            directories = (mail.path("virtual", "v.test", "ann", "new"), mail.mailbox_path("alice"))
            for directory in directories:
                name = os.listdir(directory)[0]
                with open(os.path.join(directory, name), "rb") as f:
                    raw = f.read()
                self.assertNotIn(b"\r", raw)
                self.assertTrue(name.endswith(f",S={len(raw)},W={len(raw) + raw.count(10)}"), name)

    def test_commands_may_come_all_at_once_and_the_text_in_chunks(self):
        with LmtpInstance() as mail:
            message = TEXT.format("ahead")
            with mail.lmtp() as client:
                client.reply()
                client.send("LHLO client.test\r\n")
                client.reply()
                client.send("MAIL FROM:<s@client.test>\r\nRCPT TO:<ann@v.test>\r\nRCPT TO:<nobody@v.test>\r\n"
                            "RCPT TO:<bob@example.test>\r\nDATA\r\n")
                self.assertEqual([client.reply()[:3] for _ in range(5)], ["250", "250", "550", "250", "354"])
                client.send(message.replace("\r\n.", "\r\n..") + ".\r\nMAIL FROM:<s@client.test>\r\n"
                            "RCPT TO:<ann@v.test>\r\nRCPT TO:<bob@example.test>\r\n"
                            f"BDAT 10\r\n{message[:10]}BDAT {len(message) - 10} LAST\r\n{message[10:]}QUIT\r\n")
                replies = [client.reply()[:3] for _ in range(9)]
                self.assertEqual(replies, ["250"] * 2 + ["250"] * 3 + ["250"] + ["250"] * 2 + ["221"])
            self.assertEqual((len(mail.box("ann")), len(mail.raw_mail("bob"))), (2, 2))
            for raw in mail.box("ann"):
                self.assertTrue(raw.endswith(b"\n\nfirst\n.a dot\nlast\n"), raw)

    def test_a_socket_serves_everybody_who_may_open_it_a_port_only_mynetworks(self):
        with LmtpInstance(main_cf={"mynetworks": "192.0.2.0/24"}) as mail:
            with mail.lmtp() as client:
                self.assertRegex(client.reply(), r"^554 5\.7\.1 ")
            self.assertEqual(os.stat(mail.queue_path("public", "lmtpd")).st_mode & 0o777, 0o666)
            with Lmtp(mail.queue_path("public", "lmtpd")) as client:
                client.open("s@client.test", ["ann@v.test"])
                self.assertEqual(client.text(TEXT.format("by socket"))[0][:3], "250")
            self.assertEqual(len(mail.box("ann")), 1)

    def test_aliases_and_forward_files_count_and_what_they_send_on_is_queued_first(self):
        with LmtpInstance(users=["alice", "bob", "carol"], aliases="team: alice, carol@v.test, bob\n", boxes=["carol"]) as mail:
            write_owned(mail.path("home", "alice", ".forward"), "\\alice, carol\n")
            self.assertEqual(mail.deliver(["team@example.test"], TEXT.format("forwarded"))[0][:9], "250 2.0.0")
            for user in ("alice", "bob", "carol"):
                self.assertEqual(len(mail.wait_mail(user)), 1)
            wait_for(lambda: len(mail.box("carol")) == 1, 15, "the virtual member has it")
            mail.wait_empty()

    def test_a_user_has_so_many_deliveries_at_once(self):
        with LmtpInstance(service="lmtpd_user_concurrency_limit=3") as mail, contextlib.ExitStack() as stack:
            for _ in range(3):
                client = stack.enter_context(mail.lmtp())
                self.assertEqual(client.open("s@client.test", ["ann@v.test"])[0][:3], "250")
            more = stack.enter_context(mail.lmtp())
            replies = more.open("s@client.test", ["ann@v.test", "ben@v.test"])
            self.assertRegex(replies[0], r"^451 4\.3\.0 <ann@v\.test> Too many concurrent deliveries")
            self.assertEqual(replies[1][:3], "250")
            self.assertEqual(client.text(TEXT.format("third"))[0][:3], "250")
            self.assertEqual(more.say("RCPT TO:<ann@v.test>")[:3], "250")

    def test_tls_goes_over_a_port(self):
        with LmtpInstance() as mail:
            client = smtplib.LMTP("127.0.0.1", mail.lmtp_port, local_hostname="client.test", timeout=60 * PATIENCE)
            client.ehlo()
            self.assertTrue(client.has_extn("starttls"))
            self.assertEqual(client.docmd("STARTTLS")[0], 220)
            client.close()
            with Lmtp(mail.queue_path("public", "lmtpd")) as socket_client:
                socket_client.reply()
                self.assertNotIn("STARTTLS", socket_client.say("LHLO client.test"))


class FullMailboxes(unittest.TestCase):
    def test_over_quota_is_answered_at_rcpt_and_the_others_get_the_message(self):
        for bounce, wanted in (("no", r"^452 4\.2\.2 <ann@v\.test> "), ("yes", r"^552 5\.2\.2 <ann@v\.test> ")):
            with self.subTest(bounce=bounce), LmtpInstance(main_cf={
                    "virtual_mailbox_limit_maps": "inline:{ {ann@v.test=1000000S,2C} {ben@v.test=5000S} }",
                    "virtual_overquota_bounce": bounce}) as mail:
                for _ in range(2):
                    self.assertEqual(mail.deliver(["ann@v.test"], TEXT.format("fill"))[0][:3], "250")
                with mail.lmtp() as client:
                    replies = client.open("s@client.test", ["ann@v.test", "ben@v.test", "bob@example.test"])
                    self.assertRegex(replies[0], wanted)
                    self.assertEqual([reply[:3] for reply in replies[1:]], ["250", "250"])
                    self.assertEqual([r[:3] for r in client.text(TEXT.format("others"), 2)], ["250", "250"])
                    # Room enough, but not for what is announced, nor for what comes unannounced.
                    self.assertEqual(client.say("MAIL FROM:<s@client.test> SIZE=6000")[:3], "250")
                    self.assertRegex(client.say("RCPT TO:<ben@v.test>"), wanted.replace("ann", "ben"))
                    client.say("RSET")
                    self.assertEqual(client.say("MAIL FROM:<s@client.test>")[:3], "250")
                    self.assertEqual(client.say("RCPT TO:<ben@v.test>")[:3], "250")
                    self.assertEqual(client.say("RCPT TO:<bob@example.test>")[:3], "250")
                    replies = client.text(TEXT.format("large") + ("x" * 70 + "\r\n") * 100, 2)
                    self.assertRegex(replies[0], wanted.replace("ann", "ben"))
                    self.assertEqual(replies[1][:3], "250")
                self.assertEqual((len(mail.box("ann")), len(mail.box("ben")), len(mail.raw_mail("bob"))), (2, 1, 2))
                self.assertEqual(mail.queued(), {})
                mail.wait_log(r"reject: RCPT from \S+: \d+ \d\.2\.2 <ann@v\.test> ")


class Many(unittest.TestCase):
    def test_a_thousand_recipients_are_answered_in_their_order(self):
        boxes = [f"u{i:03}" for i in range(1000)]
        with LmtpInstance(boxes=boxes) as mail:
            addresses = [f"{box}@v.test" for box in boxes]
            with mail.lmtp() as client:
                client.open("s@client.test", [])
                client.send("".join(f"RCPT TO:<{a}>\r\n" for a in addresses))
                self.assertEqual({client.reply()[:3] for _ in addresses}, {"250"})
                replies = client.text(TEXT.format("to all"), len(addresses))
            for address, reply in zip(addresses, replies):
                self.assertTrue(reply.startswith(f"250 2.0.0 <{address}> "), reply)
            for box in boxes:
                self.assertEqual(len(mail.box_names(box)), 1)


class Again(unittest.TestCase):
    """L25: what was cut off is sent again by the client, and brings no second copy where that can be known."""

    def test_L25_a_connection_that_is_cut_before_the_replies(self):
        with LmtpInstance() as mail:
            message = queued("cut")
            with mail.lmtp() as client:
                client.open("s@client.test", ["ann@v.test", "alice@example.test"])
                self.assertTrue(client.say("DATA").startswith("354"))
                client.send(message.replace("\r\n.", "\r\n..") + ".\r\n")
            wait_for(lambda: mail.box("ann") and mail.raw_mail("alice"), 15, "the message is delivered all the same")
            # Mail programs have taken it out of new/ meanwhile.
            new = mail.path("virtual", "v.test", "ann", "new")
            for name in os.listdir(new):
                os.rename(os.path.join(new, name), os.path.join(new, "..", "cur", name + ":2,S"))
            mail.wait_log(r"lmtpd\[\d+\]: disconnect from", 15)
            replies = mail.deliver(["ann@v.test", "alice@example.test"], message)
            self.assertEqual([r[:3] for r in replies], ["250", "250"])
            self.assertEqual((len(mail.box("ann")), len(mail.raw_mail("alice"))), (0, 1))
            # Another message of that queue is another message.
            self.assertEqual(mail.deliver(["ann@v.test"], queued("cut", "4F0A1BC23DF"))[0][:3], "250")
            self.assertEqual(len(mail.box("ann")), 1)

    def test_L25_lmtpd_is_killed_between_delivery_and_reply(self):
        with LmtpInstance() as mail:
            mail.crashes_expected = True
            message = queued("killed")
            with mail.lmtp() as client:
                client.open("s@client.test", ["ann@v.test"])
                self.assertTrue(client.say("DATA").startswith("354"))
                pid = next(p for p, name in mail.daemons().items() if name == "lmtpd" and listens_on(p, client))
                virtual = next((p for p, name in mail.daemons().items() if name == "virtual"), None)
                os.kill(virtual, signal.SIGSTOP)
                client.send(message.replace("\r\n.", "\r\n..") + ".\r\n")
                time.sleep(0.3)
                os.kill(pid, signal.SIGKILL)
                os.kill(virtual, signal.SIGCONT)
                self.assertRaises(OSError, client.reply)
            wait_for(lambda: mail.box("ann"), 15, "virtual has done its work")
            wait_for(lambda: self.greets(mail), 15, "another lmtpd is there")
            self.assertEqual(mail.deliver(["ann@v.test"], message)[0][:3], "250")
            self.assertEqual(len(mail.box("ann")), 1)

    def greets(self, mail):
        with contextlib.suppress(OSError), mail.lmtp() as client:
            return client.reply().startswith("220")

    def test_nothing_that_was_answered_with_250_is_lost_when_daemons_are_killed(self):
        with LmtpInstance(boxes=["ann", "ben", "cid", "dan"]) as mail:
            mail.crashes_expected = True
            stop = time.monotonic() + 12 * PATIENCE
            answered, wrong = set(), []
            threads = [threading.Thread(target=self.send_many, args=(mail, n, stop, answered, wrong)) for n in range(4)]
            for thread in threads:
                thread.start()
            kills = 0
            while time.monotonic() < stop - 2:
                time.sleep(random.uniform(0.1, 0.5))
                victims = [p for p, name in mail.daemons().items() if name in ("lmtpd", "virtual", "local", "become")]
                if victims:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(random.choice(victims), signal.SIGKILL)
                        kills += 1
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            found = {}
            for box in ("ann", "ben", "cid", "dan"):
                for raw in mail.box(box):
                    key = (box, parse(raw)["Subject"])
                    found[key] = found.get(key, 0) + 1
            print(f"{len(answered)} deliveries answered with 250, {kills} kills, "
                  f"{sum(found.values()) - len(found)} second copies", file=sys.stderr)
            self.assertGreater(len(answered), 20)
            self.assertEqual(answered - set(found), set())
            self.assertEqual({key: n for key, n in found.items() if n > 1}, {})

    def send_many(self, mail, number, stop, answered, wrong):
        """Messages of a queue, each tried until all recipients are answered for good."""
        count = 0
        while time.monotonic() < stop:
            subject, count = f"{number}-{count}", count + 1
            message = queued(subject, f"{number}ABCD{count:06}")
            left = ["ann", "ben", "cid", "dan"]
            while left and time.monotonic() < stop + 60 * PATIENCE:
                left = self.try_once(mail, message, subject, left, answered, wrong)
                if left:
                    time.sleep(0.2)

    def try_once(self, mail, message, subject, boxes, answered, wrong):
        """Gives the boxes that must be tried again."""
        left = list(boxes)
        with contextlib.suppress(OSError, AssertionError), mail.lmtp() as client:
            replies = client.open("s@client.test", [f"{box}@v.test" for box in boxes])
            accepted = [box for box, reply in zip(boxes, replies) if reply.startswith("250")]
            wrong.extend(reply for reply in replies if reply.startswith("5"))
            if not accepted:
                return left
            client.say("DATA")
            client.send(message.replace("\r\n.", "\r\n..") + ".\r\n")
            for box in accepted:
                reply = client.reply()
                if reply.startswith("250"):
                    answered.add((box, subject))
                    left.remove(box)
                elif reply.startswith("5"):
                    wrong.append(reply)
            client.say("QUIT")
        return left


def listens_on(pid, client):
    """Whether the process holds the other end of the client's connection."""
    local = client.socket.getsockname()[1]
    inodes = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            if int(words[2].split(":")[1], 16) == local and f"socket:[{words[9]}]" in inodes:
                return True
    return False


class Clients(unittest.TestCase):
    def test_our_own_client_delivers_through_a_port_and_through_a_socket(self):
        with LmtpInstance(private="y") as mail:
            for where in (f"lmtp:inet:127.0.0.1:{mail.lmtp_port}", "lmtp:unix:private/lmtpd"):
                with self.subTest(where):
                    before = len(mail.box("ann"))
                    mail.set(virtual_transport=where)
                    mail.reload()
                    time.sleep(1)
                    mail.send("alice@example.test", ["ann@v.test", "ben@v.test"], TEXT.format(where))
                    wait_for(lambda: len(mail.box("ann")) == before + 1, 20, f"delivered by {where}\n{mail.log()[-3000:]}")
                    mail.wait_log(rf"to=<ann@v\.test>, relay=.*status=sent \(250 2\.0\.0 <ann@v\.test> delivered")
                    mail.wait_empty()

    def test_swaks_speaks_lmtp(self):
        try:
            root = sandbox.download(["swaks"], os.path.join(BUILD, "peers"))[0]
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"swaks cannot be fetched: {error}") from error
        with LmtpInstance() as mail:
            environment = dict(os.environ, LD_LIBRARY_PATH=sandbox.library_path([root]))
            done = subprocess.run(["perl", os.path.join(root, "usr/bin/swaks"), "--protocol", "LMTP", "--server", "127.0.0.1",
                                   "--port", str(mail.lmtp_port), "--helo", "client.test", "--from", "s@client.test",
                                   "--to", "ann@v.test", "--header", "Subject: by swaks"],
                                  env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60 * PATIENCE)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r"<-  250 2\.0\.0 <ann@v\.test> delivered to maildir")
            self.assertEqual(parse(mail.box("ann")[0])["Subject"], "by swaks")


if __name__ == "__main__":
    unittest.main()
