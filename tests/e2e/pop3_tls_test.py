"""POP3 with TLS: STLS on one port, TLS from the first byte on another, and what may not go without."""

import base64
import os
import poplib
import shutil
import socket
import ssl
import tempfile
import time
import unittest

from pop3_test import PopInstance
from tls_peer import Authority
from umaya_instance import PATIENCE, free_port, wait_for


def unverified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class TlsInstance(PopInstance):
    """A second port with TLS from the first byte; the certificate is made at the start."""

    def __init__(self, options="", **settings):
        self.tls_port = free_port()
        self.more_master = f"127.0.0.1:{self.tls_port} inet n - n - - pop3d -o pop3_tls_wrappermode=yes{options}\n"
        super().__init__(**settings)

    def pop3s(self, user="alice", password="secret"):
        client = poplib.POP3_SSL("127.0.0.1", self.tls_port, timeout=30 * PATIENCE, context=unverified())
        client.user(user)
        client.pass_(password)
        return client

    def stls(self, user="alice", password="secret"):
        client = poplib.POP3("127.0.0.1", self.pop_port, timeout=30 * PATIENCE)
        client.stls(unverified())
        client.user(user)
        client.pass_(password)
        return client


class Tls(unittest.TestCase):
    def test_both_ways_read_the_mailbox(self):
        with TlsInstance() as mail:
            mail.deliver("one", "two")
            for login in (mail.stls, mail.pop3s):
                client = login()
                self.assertEqual(client.stat()[0], 2)
                self.assertIn(b"Subject: one", client.retr(1)[1])
                self.assertEqual(client.retr(2)[1][-3:], [b".", b".leading dot", b"end"])
                client.dele(1)
                client.rset()
                self.assertIn("TLS", mail.umaya("who", check=True).stdout)
                self.assertTrue(client.quit().startswith(b"+OK"))
            mail.wait_log("Login: user=<alice>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, TLS, session=<", count=2)

    def test_a_large_message_and_many_commands_at_once(self):
        with TlsInstance() as mail:
            text = "Subject: large\n\n" + "".join(f".line {i} {'x' * 60}\n" for i in range(60000))
            mail.set(message_size_limit=20000000, mailbox_size_limit=0)
            mail.reload()
            mail.send("bob@example.test", "alice@example.test", text)
            mail.wait_mail("alice", 1)
            client = mail.pop3s()
            lines = client.retr(1)[1]
            self.assertEqual(lines[-1], b".line 59999 " + b"x" * 60)
            client.sock.sendall(b"NOOP\r\n" * 500 + b"QUIT\r\n")
            got = b""
            while not got.endswith(b"Bye.\r\n"):
                got += client.sock.recv(65536)
            self.assertEqual(got.count(b"+OK"), 501)

    def test_the_end_behind_quit_is_told_by_tls_itself(self):
        with TlsInstance() as mail:
            with socket.create_connection(("127.0.0.1", mail.tls_port), timeout=30 * PATIENCE) as plain:
                with unverified().wrap_socket(plain, suppress_ragged_eofs=False) as client:
                    client.sendall(b"USER alice\r\nPASS secret\r\nQUIT\r\n")
                    got = b""
                    while block := client.recv(4096):  # raises without close_notify
                        got += block
                    self.assertTrue(got.endswith(b"+OK Logged in.\r\n+OK Bye.\r\n"), got)

    def test_a_broken_connection_deletes_nothing(self):
        with TlsInstance() as mail:
            mail.deliver("one")
            client = mail.pop3s()
            client.dele(1)
            client.sock.close()
            client.file.close()
            wait_for(lambda: mail.umaya("who").stdout == "", 20, "the session ends")
            client = mail.pop3s()
            self.assertEqual(client.stat()[0], 1)
            client.quit()

    def test_kick_reaches_a_client_behind_tls(self):
        with TlsInstance() as mail:
            client = mail.pop3s()
            self.assertEqual(mail.umaya("kick", "alice").stdout, "1 sessions ended\n")
            with self.assertRaises((poplib.error_proto, OSError, EOFError)):
                for _ in range(10):
                    client.noop()
                    time.sleep(0.2)

    def test_capabilities_before_and_after_tls(self):
        with TlsInstance(main_cf={"pop3_tls_security_level": "may"}) as mail:
            client = poplib.POP3("127.0.0.1", mail.pop_port, timeout=30 * PATIENCE)
            self.assertIn("STLS", client.capa())
            client.stls(unverified())
            self.assertNotIn("STLS", client.capa())
            with self.assertRaises(poplib.error_proto):
                client._shortcmd("STLS")
            client.quit()
        with PopInstance(main_cf={"pop3_tls_security_level": "none"}) as mail:
            client = poplib.POP3("127.0.0.1", mail.pop_port, timeout=30 * PATIENCE)
            self.assertNotIn("STLS", client.capa())
            with self.assertRaises(poplib.error_proto):
                client._shortcmd("STLS")
            client.quit()

    def test_level_encrypt_takes_no_log_in_before(self):
        with TlsInstance(main_cf={"pop3_tls_security_level": "encrypt"}) as mail:
            client = poplib.POP3("127.0.0.1", mail.pop_port, timeout=30 * PATIENCE)
            self.assertEqual(list(client.capa()), ["CAPA", "STLS"])
            with self.assertRaises(poplib.error_proto) as raised:
                client.user("alice")
            self.assertIn("STLS", str(raised.exception))
            client.quit()
            mail.stls().quit()

    def test_a4_commands_behind_stls_in_the_clear_are_dropped(self):
        with TlsInstance() as mail:
            plain = socket.create_connection(("127.0.0.1", mail.pop_port), 30 * PATIENCE)
            self.assertTrue(plain.recv(1000).startswith(b"+OK"))
            plain.sendall(b"STLS\r\nUSER mallory\r\nPASS injected\r\n")
            answer = plain.recv(1000)
            self.assertEqual(answer, b"+OK Begin TLS.\r\n")
            client = unverified().wrap_socket(plain)
            client.sendall(b"NOOP\r\nQUIT\r\n")
            got = b""
            while not got.endswith(b"Bye.\r\n"):
                got += client.recv(1000)
            self.assertEqual(got, b"-ERR Log in first.\r\n+OK Bye.\r\n")
            client.close()
            self.assertNotIn("injected", mail.log())
            self.assertNotIn("mallory", mail.log())


class ClientCertificates(unittest.TestCase):
    """A log-in by the certificate of the client: SASL EXTERNAL (RFC 4422 A)."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="umaya-e2e-")
        os.chmod(cls.folder, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.ca, stranger = Authority(cls.folder + "/ca"), Authority(cls.folder + "/stranger", "Some Authority")
        cls.certificates = {"alice": cls.ca.issue("alice"), "mallory": cls.ca.issue("mallory"),
                            "forged": stranger.issue("alice"), "none": None}

    def instance(self, **settings):
        return TlsInstance(main_cf={"pop3_tls_ask_ccert": "yes", "pop3_tls_CAfile": self.ca.certificate,
                                    "auth_mechanisms": "plain, external", **settings})

    def connect(self, mail, name):
        context = unverified()
        if self.certificates[name]:
            context.load_cert_chain(self.certificates[name])
        return poplib.POP3_SSL("127.0.0.1", mail.tls_port, timeout=30 * PATIENCE, context=context)

    def test_the_name_in_a_certificate_that_an_authority_vouches_for_logs_in(self):
        with self.instance() as mail:
            mail.deliver("one")
            for wanted in ("", "alice"):
                client = self.connect(mail, "alice")
                self.assertEqual(client.capa()["SASL"], ["PLAIN", "EXTERNAL"])
                client._shortcmd(f"AUTH EXTERNAL {base64.b64encode(wanted.encode()).decode() or '='}")
                self.assertEqual(client.stat()[0], 1)
                client.quit()
            mail.wait_log("Login: user=<alice>, method=EXTERNAL, rip=127.0.0.1, lip=127.0.0.1, TLS", count=2)

    def test_a_certificate_names_one_user_and_no_other(self):
        with self.instance() as mail:
            for name, wanted in (("alice", "bob"), ("mallory", ""), ("mallory", "alice")):
                client = self.connect(mail, name)
                with self.assertRaises(poplib.error_proto) as refused:
                    client._shortcmd(f"AUTH EXTERNAL {base64.b64encode(wanted.encode()).decode() or '='}")
                self.assertIn("[AUTH]", str(refused.exception))
                client.close()
            self.assertNotIn("Login: user", mail.log())

    def test_without_a_certificate_that_can_be_trusted_it_is_not_offered(self):
        with self.instance() as mail:
            for name in ("forged", "none"):
                client = self.connect(mail, name)
                self.assertEqual(client.capa()["SASL"], ["PLAIN"])
                for wanted in ("", "alice"):
                    with self.assertRaises(poplib.error_proto):
                        client._shortcmd(f"AUTH EXTERNAL {base64.b64encode(wanted.encode()).decode() or '='}")
                client.user("alice")
                client.pass_("secret")
                client.quit()
            self.assertNotIn("Login: user=<alice>, method=EXTERNAL", mail.log())


if __name__ == "__main__":
    unittest.main()
