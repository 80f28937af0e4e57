"""A user's mail program fetches mail by POP3: log-in, reading, deleting, and what must not happen."""

import os
import poplib
import signal
import socket
import unittest

from umaya_instance import PATIENCE, Instance, free_port, wait_for

USERS = "alice:{PLAIN}secret\nbob:{PLAIN}geheim\n"


class PopInstance(Instance):
    def __init__(self, users_file=USERS, **options):
        self.pop_port = free_port()
        master = f"127.0.0.1:{self.pop_port} inet n - n - - pop3d\nauth unix - - n - 0 authd\n"
        master += getattr(self, "more_master", "")
        settings = dict(options.pop("main_cf", {}), auth_failure_delay="0s")
        super().__init__(start=False, main_cf=settings, master_cf=master, **options)
        self.write("users", users_file)
        os.chmod(self.path("users"), 0o644)
        self.set(auth_passwd_file=self.path("users"))
        self.start()

    def pop(self, user="alice", password="secret"):
        client = poplib.POP3("127.0.0.1", self.pop_port, timeout=30 * PATIENCE)
        try:
            client.user(user)
            client.pass_(password)
        except Exception:
            client.close()
            raise
        return client

    def deliver(self, *subjects):
        for subject in subjects:
            self.send("bob@example.test", "alice@example.test", f"Subject: {subject}\n\n.\n.leading dot\nend\n")
        self.wait_mail("alice", len(subjects))


class Reading(unittest.TestCase):
    def test_mail_sent_by_smtp_is_read_exactly_and_kept(self):
        with PopInstance() as mail:
            mail.deliver("first", "second")
            client = mail.pop()
            count, octets = client.stat()
            self.assertEqual(count, 2)
            listed = [int(line.split()[1]) for line in client.list()[1]]
            self.assertEqual(sum(listed), octets)
            lines = client.retr(1)[1]
            self.assertEqual(sum(len(line) + 2 for line in lines), listed[0])
            self.assertEqual(lines[-3:], [b".", b".leading dot", b"end"])
            self.assertIn(b"Subject: first", lines)
            self.assertNotIn(b".leading dot", client.top(1, 1)[1])
            ids = client.uidl()[1]
            client.quit()
            client = mail.pop()
            self.assertEqual(client.uidl()[1], ids)
            client.quit()

    def test_each_user_sees_his_own_mail_only(self):
        with PopInstance() as mail:
            mail.deliver("for alice")
            client = mail.pop("bob", "geheim")
            self.assertEqual(client.stat(), (0, 0))
            client.quit()

    def test_new_mail_keeps_the_ids_of_the_old(self):
        with PopInstance() as mail:
            mail.deliver("one")
            client = mail.pop()
            before = client.uidl()[1]
            mail.send("bob@example.test", "alice@example.test", "Subject: two\n\nx\n")
            mail.wait_mail("alice", 2)
            self.assertEqual(len(client.uidl()[1]), 1)
            client.quit()
            client = mail.pop()
            self.assertEqual(client.uidl()[1][:1], before)
            self.assertEqual(client.stat()[0], 2)
            client.quit()


class Deleting(unittest.TestCase):
    def test_quit_deletes_and_a_broken_connection_does_not(self):
        with PopInstance() as mail:
            mail.deliver("one", "two", "three")
            client = mail.pop()
            client.dele(1)
            client.sock.shutdown(socket.SHUT_RDWR)
            client.close()
            wait_for(lambda: "Connection closed" in mail.read("mail.log"), 10, "the session ends")
            client = mail.pop()
            self.assertEqual(client.stat()[0], 3)
            client.dele(2)
            client.rset()
            client.dele(1)
            client.dele(3)
            self.assertTrue(client.quit().startswith(b"+OK"))
            self.assertEqual([m["Subject"] for m in mail.wait_mail("alice", 1)], ["two"])

    def test_a_killed_session_deletes_nothing(self):
        with PopInstance() as mail:
            mail.crashes_expected = True
            mail.deliver("one")
            client = mail.pop()
            client.dele(1)
            for pid, name in mail.daemons().items():
                if name == "pop3d":
                    os.kill(pid, signal.SIGKILL)
            with self.assertRaises((poplib.error_proto, OSError, EOFError)):
                client.quit()
            client = wait_for(lambda: self.again(mail), 30, "pop3d answers again")
            self.assertEqual(client.stat()[0], 1)
            client.quit()

    def again(self, mail):
        try:
            return mail.pop()
        except (OSError, EOFError, poplib.error_proto):
            return None


class LoggingIn(unittest.TestCase):
    def refused(self, mail, user, password):
        with self.assertRaises(poplib.error_proto) as raised:
            mail.pop(user, password)
        return str(raised.exception)

    def test_wrong_password_and_unknown_user_are_told_the_same(self):
        with PopInstance() as mail:
            first = self.refused(mail, "alice", "wrong")
            self.assertIn("[AUTH]", first)
            self.assertEqual(self.refused(mail, "nobody-here", "wrong"), first)
            mail.wait_log("auth failed", count=2)
            self.assertNotIn("secret", mail.read("mail.log"))

    def test_a_second_session_is_refused_while_the_first_is_open(self):
        with PopInstance() as mail:
            mail.deliver("one")
            client = mail.pop()
            self.assertIn("[IN-USE]", self.refused(mail, "alice", "secret"))
            client.quit()
            wait_for(lambda: "Logged out" in mail.read("mail.log"), 10, "the session ends")
            mail.pop().quit()

    def test_trouble_with_the_password_file_is_temporary(self):
        with PopInstance() as mail:
            os.rename(mail.path("users"), mail.path("gone"))
            self.assertIn("[SYS/TEMP]", self.refused(mail, "alice", "secret"))
            os.rename(mail.path("gone"), mail.path("users"))
            mail.pop().quit()

    def test_trouble_with_authd_is_temporary(self):
        with PopInstance(without=()) as mail:
            mail.edit_master("", without=("auth",))
            mail.reload()
            wait_for(lambda: not os.path.exists(mail.queue_path("private", "auth")) or
                     "[SYS/TEMP]" in self.refused_or_none(mail), 10, "authd is gone")

    def refused_or_none(self, mail):
        try:
            mail.pop().quit()
        except poplib.error_proto as error:
            return str(error)
        return ""


if __name__ == "__main__":
    unittest.main()
