"""Sessions of logged-in users: their processes, who is there and who is sent away, limits, balancers, flags, UTF-8."""

import contextlib
import os
import poplib
import signal
import socket
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "faults"), os.path.join(HERE, "..", "support")]

from injection import Tracer  # noqa: E402
from pop3_test import PopInstance  # noqa: E402
from umaya_instance import PATIENCE, wait_for  # noqa: E402


def process_of(mail, user):
    """The process that serves a session of the user now."""
    for line in mail.umaya("who", check=True).stdout.splitlines():
        words = line.split()
        if words[0] == user:
            return int(words[-1])
    return None


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def raw(port, *lines, until=b"\n"):
    """A connection that has sent these lines; and what came back so far."""
    client = socket.create_connection(("127.0.0.1", port), 30 * PATIENCE)
    for line in lines:
        client.sendall(line)
    return client


def read_line(client):
    got = b""
    while not got.endswith(b"\n"):
        try:
            byte = client.recv(1)
        except ConnectionResetError:
            break
        if not byte:
            break
        got += byte
    return got


class Processes(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: sessions have processes of their own only then")

    def visit(self, mail, *login):
        """Logs in and out; gives the process that served it."""
        client = mail.pop(*login)
        pid = process_of(mail, login[0] if login else "alice")
        client.quit()
        wait_for(lambda: mail.umaya("who").stdout == "", 10, "the session is forgotten")
        return pid

    def test_one_process_serves_a_users_sessions_one_after_another_and_ends(self):
        with PopInstance(main_cf={"pop3_session_keep_time": "8s"}) as mail:
            first = self.visit(mail)
            self.assertEqual(self.visit(mail), first)
            self.assertNotEqual(self.visit(mail, "bob", "geheim"), first)
            self.assertTrue(alive(first))
            wait_for(lambda: not alive(first), 30, "the idle process ends")

    def test_the_process_idle_longest_gives_way(self):
        with PopInstance(main_cf={"pop3_session_process_limit": "1"}) as mail:
            first = self.visit(mail)
            self.assertTrue(alive(first))
            self.visit(mail, "bob", "geheim")
            wait_for(lambda: not alive(first), 10, "alice's process ends")
            # One that has a session does not.
            client = mail.pop()
            with self.assertRaises(poplib.error_proto) as raised:
                mail.pop("bob", "geheim")
            self.assertIn("[SYS/TEMP]", str(raised.exception))
            client.quit()

    def test_a_crash_takes_the_sessions_of_that_owner_only(self):
        with PopInstance() as mail:
            mail.crashes_expected = True
            mail.deliver("one")
            alice, bob = mail.pop(), mail.pop("bob", "geheim")
            os.kill(process_of(mail, "alice"), signal.SIGKILL)
            with self.assertRaises((poplib.error_proto, OSError, EOFError)):
                alice.stat()
            self.assertEqual(bob.stat(), (0, 0))
            bob.quit()
            again = wait_for(lambda: self.pop_or_none(mail), 10, "alice can log in again")
            self.assertEqual(again.stat()[0], 1)
            again.quit()

    def test_a_parent_that_dies_is_replaced(self):
        with PopInstance() as mail:
            mail.crashes_expected = True
            client = mail.pop()
            for pid, name in mail.daemons().items():
                if name == "pop3d" and os.stat(f"/proc/{pid}").st_uid == 0:
                    os.kill(pid, signal.SIGKILL)
            again = wait_for(lambda: self.pop_or_none(mail, "bob", "geheim"), 30, "bob can log in")
            again.quit()
            self.assertEqual(client.stat(), (0, 0))  # its own process goes on
            client.quit()

    def pop_or_none(self, mail, *login):
        try:
            return mail.pop(*login)
        except (poplib.error_proto, OSError, EOFError):
            return None

    def test_a_mailbox_that_comes_to_be_or_is_replaced_is_served(self):
        with PopInstance() as mail:
            maildir = os.path.dirname(mail.mailbox_path("alice"))
            if os.path.isdir(maildir):
                os.rename(maildir, maildir + ".away")
            client = mail.pop()
            self.assertEqual(client.stat(), (0, 0))
            client.quit()
            mail.deliver("one")
            client = mail.pop()
            self.assertEqual(client.stat()[0], 1)
            client.dele(1)
            self.assertTrue(client.quit().startswith(b"+OK"))

    def test_a_mailbox_that_comes_to_be_while_its_process_starts_is_served(self):
        with PopInstance() as mail:
            maildir = os.path.dirname(mail.mailbox_path("alice"))
            if os.path.isdir(maildir):
                os.rename(maildir, maildir + ".away")
            self.visit(mail, "bob", "geheim")  # so that pop3d runs
            parents = [pid for pid, name in mail.daemons().items() if name == "pop3d"]
            with Tracer(parents, "-e", "trace=landlock_restrict_self",
                        "-e", "inject=landlock_restrict_self:delay_exit=2s") as tracer:
                with raw(mail.pop_port, b"USER alice\r\nPASS secret\r\nSTAT\r\nQUIT\r\n") as client:
                    wait_for(lambda: process_of(mail, "alice"), 10, "the session process is there")
                    mail.deliver("one")
                    answers = client.makefile("rb").read().splitlines()
            self.assertTrue(tracer.injected())
            self.assertEqual([line[:6] for line in answers[-2:]], [b"+OK 1 ", b"+OK By"], answers)

    def test_a_reload_and_a_stop_find_all_sessions(self):
        with PopInstance() as mail:
            mail.deliver("one")
            client = mail.pop()
            mail.reload()
            time.sleep(0.5)
            self.assertEqual(client.stat()[0], 1)
            mail.pop("bob", "geheim").quit()
            self.assertIn("alice", mail.umaya("who").stdout)
            before = time.monotonic()
            mail.stop()
            with self.assertRaises((poplib.error_proto, OSError, EOFError)):
                while time.monotonic() < before + 10:
                    client.stat()
                    time.sleep(0.1)

    def test_the_session_process_is_the_user_and_sees_its_mailbox_alone(self):
        with PopInstance() as mail:
            client = mail.pop()
            pid = process_of(mail, "alice")
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertIn("Seccomp:\t2", status)
            self.assertIn("CapEff:\t0000000000000000", status)
            uid = str(os.stat(mail.path("home", "alice")).st_uid)
            self.assertIn("Uid:\t" + "\t".join([uid] * 4), status)
            client.quit()


class WhoAndKick(unittest.TestCase):
    def test_who_lists_and_kick_ends(self):
        with PopInstance() as mail:
            mail.deliver("one")
            alice, bob = mail.pop(), mail.pop("bob", "geheim")
            alice.dele(1)
            listed = mail.umaya("who", check=True).stdout.splitlines()
            self.assertEqual([line.split()[:3] for line in listed],
                             [["alice", "pop3", "127.0.0.1"], ["bob", "pop3", "127.0.0.1"]])
            self.assertEqual(mail.umaya("kick", "alice", check=True).stdout, "1 sessions ended\n")
            with self.assertRaises((poplib.error_proto, OSError, EOFError)) as raised:
                alice.noop()
            self.assertIn("administrator", str(raised.exception) + mail.read("mail.log"))
            wait_for(lambda: "alice" not in mail.umaya("who").stdout, 10, "alice is gone")
            self.assertTrue(bob.noop().startswith(b"+OK"))
            self.assertEqual(mail.umaya("kick", "nobody").returncode, 1)
            self.assertEqual(mail.umaya("kick", "127.0.0.1", check=True).stdout, "1 sessions ended\n")
            wait_for(lambda: mail.umaya("who").stdout == "", 10, "everybody is gone")
            self.assertEqual(mail.pop().stat()[0], 1)

    def test_a_session_that_ends_by_itself_is_forgotten(self):
        with PopInstance() as mail:
            mail.pop().quit()
            client = mail.pop()
            client.sock.shutdown(socket.SHUT_RDWR)
            client.close()
            wait_for(lambda: mail.umaya("who", check=True).stdout == "", 10, "nobody is listed")


class Limits(unittest.TestCase):
    def refusal(self, mail, *login):
        with self.assertRaises(poplib.error_proto) as raised:
            mail.pop(*login)
        return str(raised.exception)

    def test_sessions_of_a_user_from_an_address(self):
        with PopInstance(main_cf={"pop3_lock_mailbox": "no", "pop3_user_address_session_limit": "2"}) as mail:
            clients = [mail.pop(), mail.pop()]
            self.assertIn("[IN-USE]", self.refusal(mail))
            mail.pop("bob", "geheim").quit()
            clients[0].quit()
            again = wait_for(lambda: self.try_pop(mail), 10, "there is room again")
            again.quit()
            clients[1].quit()

    def try_pop(self, mail):
        with contextlib.suppress(poplib.error_proto):
            return mail.pop()

    def test_the_delay_between_log_ins_is_announced_and_kept(self):
        with PopInstance(main_cf={"pop3_login_delay": "3s"}) as mail:
            client = mail.pop()
            self.assertEqual(client.capa()["LOGIN-DELAY"], ["3"])
            client.quit()
            self.assertIn("[LOGIN-DELAY]", self.refusal(mail))
            mail.pop("bob", "geheim").quit()
            wait_for(lambda: self.quit_at_once(mail), 15, "the delay is over")

    def quit_at_once(self, mail):
        client = self.try_pop(mail)
        return client.quit() if client else None

    def test_old_messages_go_at_quit_when_that_is_announced(self):
        with PopInstance(main_cf={"pop3_expire": "2d"}) as mail:
            mail.deliver("old", "new")
            directory = mail.mailbox_path("alice")
            for name in os.listdir(directory):
                with open(os.path.join(directory, name)) as f:
                    old = "Subject: old" in f.read()
                if old:  # by its name and by its time
                    when = int(time.time()) - 5 * 86400
                    os.rename(os.path.join(directory, name), os.path.join(directory, f"{when}.M1P1.host"))
                    os.utime(os.path.join(directory, f"{when}.M1P1.host"), (when, when))
            client = mail.pop()
            self.assertEqual(client.capa()["EXPIRE"], ["2"])
            self.assertEqual(client.stat()[0], 2)
            client.quit()
            client = mail.pop()
            self.assertEqual(client.stat()[0], 1)
            self.assertIn(b"Subject: new", client.retr(1)[1])
            client.quit()

    def test_a_flood_of_open_connections_keeps_nobody_out(self):
        with PopInstance(main_cf={"pop3_login_limit": "20", "pop3_login_address_limit": "100"}) as mail:
            flood = [raw(mail.pop_port) for _ in range(60)]
            mail.pop().quit()
            closed = 0
            for client in flood:
                client.settimeout(0.2)
                with contextlib.suppress(OSError):
                    while client.recv(100):
                        pass
                    closed += 1
                client.close()
            self.assertGreaterEqual(closed, 20)  # the limit is that of each of two processes

    def test_a_flood_from_one_address_is_stopped_at_its_share(self):
        with PopInstance(main_cf={"pop3_login_address_limit": "5"}) as mail:
            flood = [raw(mail.pop_port) for _ in range(5)]
            self.assertTrue(all(read_line(client).startswith(b"+OK") for client in flood))
            extra = raw(mail.pop_port)
            self.assertTrue(read_line(extra).startswith(b"-ERR [SYS/TEMP]"))
            for client in [*flood, extra]:
                client.close()
            wait_for(lambda: self.try_pop(mail), 10, "there is room again").quit()


class Balancers(unittest.TestCase):
    def ask(self, mail, header, *lines):
        client = raw(mail.pop_port, header, *lines)
        self.addCleanup(client.close)
        return client

    def test_the_clients_address_comes_from_the_balancer(self):
        with PopInstance(main_cf={"pop3_upstream_proxy_protocol": "haproxy", "pop3_disable_plaintext_auth": "no"}) as mail:
            client = self.ask(mail, b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 110\r\n", b"USER alice\r\nPASS secret\r\n")
            self.assertTrue(read_line(client).startswith(b"+OK"))
            self.assertTrue(read_line(client).startswith(b"+OK"))
            self.assertTrue(read_line(client).startswith(b"+OK Logged in"))
            self.assertIn("192.0.2.7", mail.umaya("who").stdout)
            mail.wait_log(r"Login: user=<alice>, method=PLAIN, rip=192\.0\.2\.7, lip=192\.0\.2\.8, session=<")
            addresses = socket.inet_aton("192.0.2.9") + socket.inet_aton("192.0.2.8") + struct.pack(">HH", 1, 2)
            binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(addresses)) + addresses
            second = self.ask(mail, binary, b"USER bob\r\nPASS wrong\r\n")
            self.assertTrue(read_line(second).startswith(b"+OK"))
            mail.wait_log(r"auth failed.*rip=192\.0\.2\.9")

    def test_a_password_behind_a_balancer_is_not_local(self):
        with PopInstance(main_cf={"pop3_upstream_proxy_protocol": "haproxy"}) as mail:
            client = self.ask(mail, b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 110\r\n", b"USER alice\r\n")
            read_line(client)
            self.assertTrue(read_line(client).startswith(b"-ERR [AUTH]"))

    def test_others_and_bad_headers_are_not_served(self):
        with PopInstance(main_cf={"pop3_upstream_proxy_protocol": "haproxy",
                                  "pop3_upstream_proxy_networks": "192.0.2.0/24"}) as mail:
            client = self.ask(mail, b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 110\r\n")
            self.assertEqual(read_line(client), b"")
            mail.wait_log("127.0.0.1 is not in pop3_upstream_proxy_networks")
        with PopInstance(main_cf={"pop3_upstream_proxy_protocol": "haproxy"}) as mail:
            self.assertEqual(read_line(self.ask(mail, b"USER alice\r\n")), b"")
            mail.wait_log("proxy header from 127.0.0.1")


class Messages(unittest.TestCase):
    def current(self, mail):
        return os.listdir(os.path.join(os.path.dirname(mail.mailbox_path("alice")), "cur"))

    def test_what_was_fetched_is_marked_as_read(self):
        with PopInstance() as mail:
            mail.deliver("one", "two")
            client = mail.pop()
            client.retr(1)
            client.top(2, 0)
            client.quit()
            wait_for(lambda: len([n for n in self.current(mail) if n.endswith(":2,S")]) == 1, 10, "one is seen")

    def test_no_marks_where_none_are_wanted(self):
        with PopInstance(main_cf={"pop3_no_flag_updates": "yes"}) as mail:
            mail.deliver("one")
            client = mail.pop()
            client.retr(1)
            client.quit()
            mail.wait_log("Logged out")
            self.assertFalse([n for n in self.current(mail) if "S" in n.rpartition(":2,")[2]])

    def test_log_lines_are_dovecots(self):
        with PopInstance() as mail:
            mail.deliver("one")
            client = mail.pop()
            client.retr(1)
            client.dele(1)
            client.quit()
            mail.wait_log(r"pop3-login: Login: user=<alice>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, secured, "
                          r"session=<[A-Za-z0-9+/]{16}>")
            mail.wait_log(r"pop3\(alice\)<\d+><[A-Za-z0-9+/]{16}>: Disconnected: Logged out top=0/0, retr=1/\d+, "
                          r"del=1/1, size=")
            self.assertNotIn("secret", mail.log())

    def test_utf8_headers(self):
        with PopInstance() as mail:
            name = os.path.join(mail.mailbox_path("alice"), "1700000000.M1P1.host")
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "wb") as f:
                f.write("Subject: gr\u00fc\u00dfe\n\nb\u00f6dy\0\n".encode())
            if os.geteuid() == 0:
                home = os.stat(mail.path("home", "alice"))
                for path in (os.path.dirname(os.path.dirname(name)), os.path.dirname(name), name):
                    os.chown(path, home.st_uid, home.st_gid)
            client = mail.pop()
            self.assertIn(b"Subject: =?utf-8?B?Z3LDvMOfZQ==?=", client.retr(1)[1])
            client.quit()
            client = poplib.POP3("127.0.0.1", mail.pop_port, timeout=30 * PATIENCE)
            self.assertEqual(client.capa()["UTF8"], ["USER"])
            self.assertTrue(client.utf8().startswith(b"+OK"))
            client.user("alice")
            client.pass_("secret")
            lines = client.retr(1)[1]
            self.assertIn("Subject: gr\u00fc\u00dfe".encode(), lines)
            self.assertIn("b\u00f6dy".encode() + b"\x80", lines)
            self.assertEqual(sum(len(line) + 2 for line in lines), client.stat()[1])
            client.quit()


if __name__ == "__main__":
    unittest.main()
