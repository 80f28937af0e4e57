"""smtpd on real sockets: relay control, smuggling, limits, idle sessions, restarts."""

import os
import re
import resource
import select
import socket
import threading
import time
import unittest

from umaya_instance import PATIENCE, SANITIZED, Instance, wait_for

OUTSIDE = {"mynetworks": "192.0.2.0/24", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
           "smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000"}


class Client:
    """A dialogue by hand."""

    def __init__(self, mail, timeout=20, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", mail.port), timeout, (source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()

    def reply(self):
        while True:
            line = self.file.readline()
            if len(line) < 4 or line[3:4] != b"-":
                return line.decode(errors="replace").rstrip("\r\n")

    def raw(self, data):
        self.socket.sendall(data)

    def say(self, line):
        self.raw(line.encode() + b"\r\n")
        return self.reply()

    def open(self, sender="s@x.org", recipient="alice@example.test"):
        self.say("EHLO client.test")
        self.say(f"MAIL FROM:<{sender}>")
        return self.say(f"RCPT TO:<{recipient}>")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# (HELO, sender, recipient) of the open-relay table; L example.test, M server.example.test, A 127.0.0.1, F foreign.test.
RELAY = [
    ("x.test", "a@x.test", "v@foreign.test"), ("x.test", "a@example.test", "v@foreign.test"),
    ("x.test", "a@localhost", "v@foreign.test"), ("x.test", "a", "v@foreign.test"), ("x.test", "", "v@foreign.test"),
    ("x.test", "a@server.example.test", "v@foreign.test"), ("x.test", "a@[127.0.0.1]", "v@foreign.test"),
    ("example.test", "a@example.test", "v%foreign.test@server.example.test"),
    ("x.test", "a@server.example.test", "v%foreign.test@[127.0.0.1]"),
    ("x.test", "a@server.example.test", '"v@foreign.test"'), ("x.test", "a@server.example.test", '"v%foreign.test"'),
    ("x.test", "a@server.example.test", "v@foreign.test@server.example.test"),
    ("x.test", "a@server.example.test", '"v@foreign.test"@server.example.test'),
    ("x.test", "a@[127.0.0.1]", "v@foreign.test@[127.0.0.1]"),
    ("x.test", "a@server.example.test", "@server.example.test:v@foreign.test"),
    ("x.test", "a@[127.0.0.1]", "@[127.0.0.1]:v@foreign.test"), ("x.test", "a@server.example.test", "foreign.test!v"),
    ("x.test", "a@server.example.test", "foreign.test!v@server.example.test"),
    ("x.test", "a@[127.0.0.1]", "foreign.test!v@[127.0.0.1]"),
    ("x.test", "a@example.test", "@example.test,@server.example.test:v@foreign.test"),
    ("server.example.test", "a@example.test", "v@foreign.test."), ("localhost", "a@example.test", "v@[203.0.113.9]"),
    ("[127.0.0.1]", "a@example.test", "v@[IPv6:2001:db8::9]"), ("x.test", "a@example.test", "u+v%foreign.test@example.test"),
    ("x.test", "a@foreign.test", "postmaster@foreign.test"), ("x.test", "a@foreign.test", "v@somebodys-backup.test"),
    ("x.test", "a@example.test", "v@foreign.test@example.test"),
]


class Relay(unittest.TestCase):
    def test_g1_no_row_of_the_open_relay_table_gets_through(self):
        with Instance(main_cf=OUTSIDE) as mail:
            for number, (helo, sender, recipient) in enumerate(RELAY, 1):
                with self.subTest(row=number, recipient=recipient), Client(mail) as c:
                    c.say(f"EHLO {helo}")
                    c.say(f"MAIL FROM:<{sender}>")
                    self.assertRegex(c.say(f"RCPT TO:<{recipient}>"), r"^(550|554|501|553) ")
                    self.assertRegex(c.say("DATA"), "^554 ")
                    self.assertRegex(c.say("RCPT TO:<alice@EXAMPLE.Test>"), "^250 ")
            self.assertEqual(mail.queued(), {})


class Smuggling(unittest.TestCase):
    def test_s1_s2_false_ends_of_data_carry_no_second_message(self):
        marks = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\0\n", b"\n\r"]
        inner = b"MAIL FROM:<evil@x.org>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nsmuggled\r\n.\r\n"
        with Instance(main_cf=OUTSIDE) as mail:
            for a in marks:
                for b in marks:
                    if a.endswith(b"\r\n") and b == b"\r\n":
                        continue
                    with Client(mail) as c:
                        c.open()
                        c.say("DATA")
                        c.raw(b"Subject: x\r\n\r\ntext" + a + b"." + b + inner)
                        self.assertRegex(c.reply(), "^(250|550) ")
                        self.assertRegex(c.say("QUIT"), "^221 ")
            mail.wait_empty()
            self.assertEqual(mail.raw_mail("bob"), [])

    def test_s3_one_octet_a_segment_gives_the_same_message(self):
        with Instance(main_cf=OUTSIDE) as mail, Client(mail) as c:
            c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            c.open()
            c.say("DATA")
            for octet in b"Subject: slow\r\n\r\nx\n.\r\n..y\r\n.\r\n":
                c.raw(bytes([octet]))
                time.sleep(0.002)
            self.assertRegex(c.reply(), "^250 ")
            self.assertEqual(mail.wait_mail("alice")[0].get_content().replace("\r\n", "\n"), "x\n\n.y\n")


class Limits(unittest.TestCase):
    def test_s18_a_command_has_one_deadline_however_slowly_it_drips(self):
        with Instance(main_cf=dict(OUTSIDE, smtpd_timeout="2s")) as mail, Client(mail) as c:
            begin = time.monotonic()
            reply = ""
            c.socket.settimeout(0.3)
            for octet in b"NOOP this takes far too long for anybody":
                try:
                    c.raw(bytes([octet]))
                    reply = c.socket.recv(200).decode()
                    break
                except TimeoutError:
                    continue
            self.assertRegex(reply, "^421 4.4.2 ")
            self.assertLess(time.monotonic() - begin, 6)

    def test_s18_one_client_has_its_share_of_connections_and_gets_it_back(self):
        with Instance(main_cf=dict(OUTSIDE, smtpd_client_connection_count_limit="5",
                                   smtpd_client_event_limit_exceptions="")) as mail:
            clients = [Client(mail) for _ in range(5)]
            self.assertTrue(all(c.greeting.startswith("220 ") for c in clients))
            with Client(mail) as sixth:
                self.assertRegex(sixth.greeting, "^421 4.7.0 .*too many connections from 127.0.0.1")
            for c in clients:
                c.say("QUIT")
                c.close()

            def greets():
                with Client(mail) as again:
                    return again.greeting.startswith("220 ")
            wait_for(greets, 5, "the share is given back")

    def test_s18_the_last_sessions_are_kept_for_addresses_that_have_none(self):
        limits = dict(OUTSIDE, smtpd_client_connection_count_limit="0", smtpd_timeout="${stress?{3s}:{300s}}",
                      smtpd_hard_error_limit="20")
        with Instance(main_cf=limits, start=False) as mail:
            mail.edit_master(f"127.0.0.1:{mail.port} inet n - n - 20 smtpd\n")
            mail.start()
            attack = []
            while len(attack) < 200:
                attack.append(Client(mail))
                if not attack[-1].greeting.startswith("220 "):
                    break
            self.assertRegex(attack[-1].greeting, "^421 4.7.0 .*too many connections from 127.0.0.1")
            begin = time.monotonic()
            with Client(mail, source="127.0.0.2") as honest:
                self.assertRegex(honest.open(), "^250 ")
                self.assertLess(time.monotonic() - begin, 1)
                honest.say("QUIT")
            mail.wait_log("entering stress mode")
            # Stress shortens the patience with sessions that idle already, so that places become free. A process that is
            # not full, and has some of the sessions, knows no stress.
            ended, _, _ = select.select([c.socket for c in attack[:-1]], [], [], 20 * PATIENCE)
            self.assertTrue(ended, mail.log())
            first = next(c for c in attack if c.socket is ended[0])
            self.assertRegex(first.reply(), "^421 4.4.2 .*timeout exceeded")
            mail.wait_log("leaving stress mode")
            with Client(mail) as again:
                self.assertRegex(again.open(), "^250 ")
            for c in attack:
                c.close()

    def test_two_thousand_idle_sessions_take_at_most_32_kib_each(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        limits = dict(OUTSIDE, smtpd_client_connection_count_limit="0", default_process_limit="5000")
        with Instance(main_cf=limits) as mail:
            def resident():
                total = 0
                for pid, name in mail.daemons().items():
                    if name == "smtpd":
                        with open(f"/proc/{pid}/status") as f:
                            total += int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
                return total
            first = [Client(mail) for _ in range(20)]
            before = resident()
            idle = []
            for _ in range(2000):
                c = Client(mail)
                c.open()
                c.say("RSET")
                idle.append(c)
            each = (resident() - before) / 2000
            begin = time.monotonic()
            with Client(mail) as honest:
                self.assertRegex(honest.open(), "^250 ")
            waited = time.monotonic() - begin
            for c in first + idle:
                c.close()
            print(f"\n{each:.1f} KiB for each of 2,000 idle sessions; a new client waited {waited * 1000:.0f} ms")
            self.assertLess(waited, PATIENCE)
            if SANITIZED:
                self.skipTest("memory is measured without the sanitizers, whose shadow and red zones count as ours")
            self.assertLessEqual(each, 32)


class Proxied(unittest.TestCase):
    """Somebody else connects for the client: a load balancer, a content filter."""

    def say_from(self, mail, header, port=None):
        """Connects with a proxy header; the greeting, and the replies to a RCPT for a foreign recipient."""
        with socket.create_connection(("127.0.0.1", port or mail.port), 20) as s, s.makefile("rb") as replies:
            s.sendall(header)
            greeting = replies.readline().decode()
            if not greeting:
                return "", ""
            for line in ("HELO x.test", "MAIL FROM:<s@x.test>", "RCPT TO:<v@foreign.test>"):
                s.sendall(line.encode() + b"\r\n")
                reply = replies.readline().decode()
            return greeting, reply

    def test_a_proxy_header_says_who_the_client_is_and_nothing_else_is_served(self):
        with Instance(main_cf=dict(OUTSIDE, smtpd_upstream_proxy_timeout="1s"), start=False) as mail:
            mail.edit_master(f"127.0.0.1:{mail.port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n")
            mail.start(wait=False)
            wait_for(mail.master_pid, 10, "master runs")
            text = b"PROXY TCP4 %s 198.51.100.25 40000 25\r\n"
            binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("192.0.2.8") + bytes(4) + b"\x9c\x40\0\x19"
            wait_for(lambda: self.say_from(mail, text % b"203.0.113.9")[0], 10, "smtpd greets")
            self.assertRegex(self.say_from(mail, text % b"203.0.113.9")[1], "^554 5.7.1 .*Relay access denied")
            mail.wait_log(r"connect from unknown\[203\.0\.113\.9\]")
            for trusted in (text % b"192.0.2.7", binary):
                greeting, reply = self.say_from(mail, trusted)
                self.assertRegex(greeting, "^220 ")
                self.assertRegex(reply, "^250 ")
            self.assertEqual(self.say_from(mail, b"EHLO x.test\r\n"), ("", ""))
            mail.wait_log("proxy header from .127.0.0.1.*: no proxy header")
            begin = time.monotonic()
            self.assertEqual(self.say_from(mail, b"PROXY TCP4 192.0.2.7"), ("", ""))
            self.assertLess(time.monotonic() - begin, 5)
            mail.wait_log("proxy header from .*: timeout")

    def test_a_strangers_proxy_header_is_never_believed(self):
        settings = dict(OUTSIDE, smtpd_forbid_unauth_pipelining="no")
        with Instance(main_cf=settings) as mail:
            with Client(mail) as c:
                self.assertRegex(c.say("PROXY TCP4 192.0.2.7 198.51.100.25 40000 25"), "^500 ")
                self.assertRegex(c.open(recipient="v@foreign.test"), "^554 5.7.1 ")
            self.assertNotIn("192.0.2.7", mail.log())

    def test_xclient_and_xforward_are_for_the_listed_hosts_only(self):
        with Instance(main_cf=dict(OUTSIDE, smtpd_authorized_xclient_hosts="127.0.0.1",
                                   smtpd_authorized_xforward_hosts="127.0.0.1")) as mail:
            with Client(mail) as c:
                c.say("EHLO filter.test")
                self.assertEqual(c.say("XFORWARD NAME=mx.sender.test ADDR=203.0.113.9 IDENT=UP42"), "250 2.0.0 Ok")
                c.open()
                c.say("DATA")
                self.assertRegex(c.say("Subject: forwarded\r\n\r\nx\r\n."), "^250 ")
                mail.wait_mail("alice")
                mail.wait_log(r"client=\S+\[127\.0\.0\.1\], orig_queue_id=UP42, orig_client=mx\.sender\.test\[203\.0\.113\.9\]")
                self.assertRegex(c.say("XCLIENT ADDR=192.0.2.7 NAME=inside.test"), "^220 ")
                self.assertRegex(c.open(recipient="v@foreign.test"), "^250 ")
            with Client(mail, source="127.0.0.2") as stranger:
                stranger.say("EHLO x.test")
                for command in ("XCLIENT ADDR=192.0.2.7", "XFORWARD NAME=mx.sender.test"):
                    self.assertEqual(stranger.say(command), "550 5.7.0 Error: insufficient authorization")
                self.assertRegex(stranger.open(recipient="v@foreign.test"), "^554 5.7.1 ")


class PolicyServer:
    """A policy server on a thread; answer(request as a dictionary) gives the action, or None to hang up."""

    def __init__(self, answer):
        self.answer, self.requests, self.connections = answer, [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, peer.makefile("rb") as lines:
            request = {}
            for line in lines:
                if line.strip():
                    name, value = line.decode().rstrip("\n").split("=", 1)
                    request[name] = value
                    continue
                self.requests.append(request)
                action = self.answer(request)
                if action is None:
                    return
                peer.sendall(f"action={action}\n\n".encode())
                request = {}


class Policy(unittest.TestCase):
    def test_a_policy_server_greylists_and_its_failure_is_the_default_action(self):
        seen = set()

        def greylist(request):
            if request["recipient"].startswith("bob"):
                return None
            key = (request["client_address"], request["sender"], request["recipient"])
            if key in seen:
                return "PREPEND X-Greylist: passed"
            seen.add(key)
            return "DEFER_IF_PERMIT greylisted, come back"

        server = PolicyServer(greylist)
        service = f"inet:127.0.0.1:{server.port}"
        with Instance(main_cf=dict(OUTSIDE, smtpd_recipient_restrictions=f"check_policy_service {service}")) as mail:
            with Client(mail) as c:
                self.assertEqual(c.open(), "450 4.7.1 <alice@example.test>: Recipient address rejected: greylisted, come back")
                self.assertRegex(c.say("RCPT TO:<alice@example.test>"), "^250 ")
                c.say("DATA")
                self.assertRegex(c.say("Subject: late\r\n\r\nx\r\n."), "^250 ")
                self.assertEqual(mail.wait_mail("alice")[0]["X-Greylist"], "passed")
                self.assertEqual(server.connections, 1)
                self.assertRegex(c.open(recipient="bob@example.test"), "^451 4.3.5 .*Server configuration problem")
            first, second = server.requests[:2]
            self.assertEqual((first["request"], first["protocol_state"], first["sender"], first["helo_name"]),
                             ("smtpd_access_policy", "RCPT", "s@x.org", "client.test"))
            self.assertEqual(first["instance"], second["instance"])
            self.assertNotEqual(first["instance"], server.requests[-1]["instance"])
            mail.wait_log(f"problem talking to server {service}: lost connection", count=2)
        server.socket.close()


class Replies(unittest.TestCase):
    def test_postmaster_gets_the_transcript_of_a_session_with_errors_of_notify_classes(self):
        with Instance(aliases="postmaster: bob\n", main_cf=dict(OUTSIDE, notify_classes="policy, protocol")) as mail:
            with Client(mail) as c:
                c.open()
                c.say("DATA")
                self.assertRegex(c.say("Subject: fine\r\n\r\nx\r\n."), "^250 ")
                c.open(recipient="v@foreign.test")
                c.say("NONSENSE")
                c.say("QUIT")
            notice = mail.wait_mail("bob")[0]
            self.assertEqual(notice["Return-Path"], "<double-bounce@example.test>")
            self.assertRegex(notice["Subject"], r"^Umaya SMTP server: errors from \S+\[127\.0\.0\.1\]$")
            text = notice.get_content()
            for line in (" In:  RCPT TO:<v@foreign.test>", " Out: 554 5.7.1 <v@foreign.test>: Relay access denied",
                         " In:  NONSENSE", " Out: 500 5.5.2 Error: command not recognized", "For other details"):
                self.assertIn(line, text)
            self.assertNotIn("queued as", text)
            with Client(mail) as again:  # within the same minute: only one notice
                again.say("NONSENSE")
                again.say("QUIT")
            mail.wait_log("disconnect from", count=3)
            self.assertEqual(len(mail.mail("bob")), 1)

    def test_a_footer_and_a_command_filter_from_main_cf(self):
        with Instance(start=False, main_cf=dict(OUTSIDE, smtpd_reject_footer="\\c. Call $server_name, say $client_address")) as mail:
            mail.write("filter", "/^RCPT TO:<'([^']+)'>(.*)/ RCPT TO:<$1>$2\n")
            mail.set(smtpd_command_filter=f"regexp:{mail.path('filter')}")
            mail.start()
            with Client(mail) as c:
                self.assertRegex(c.open(recipient="nobody@example.test"),
                                 r"^550 5\.1\.1 .*local recipient table\. Call \S+, say 127\.0\.0\.1$")
                self.assertEqual(c.say("RCPT TO:<'alice@example.test'>"), "250 2.1.5 Ok")


class Life(unittest.TestCase):
    def test_s38_a_reload_drops_no_session_and_a_stop_says_421(self):
        with Instance(main_cf=OUTSIDE) as mail:
            c = Client(mail)
            c.open()
            c.say("DATA")
            c.raw(b"Subject: during reload\r\n\r\nfirst half\r\n")
            mail.reload()
            time.sleep(1)
            c.raw(b"second half\r\n.\r\n")
            self.assertRegex(c.reply(), "^250 ")
            mail.wait_mail("alice")
            idle = Client(mail)
            idle.say("EHLO x")
            mail.stop()
            self.assertRegex(idle.reply(), "^421 4.3.2 ")
            c.close()
            idle.close()

    def test_sendmail_bs_speaks_on_standard_input_and_output(self):
        with Instance() as mail:
            done = mail.sendmail("-bs", input="EHLO here\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
                                 "DATA\r\nSubject: by hand\r\n\r\nx\r\n.\r\nQUIT\r\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("queued as", done.stdout)
            self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "by hand")


if __name__ == "__main__":
    unittest.main()
