"""Real mail programs read by POP3, with and without TLS: fetchmail, mutt, getmail, mpop and curl, from Debian's packages,
unpacked beside the build."""

import os
import pty
import select
import subprocess
import sys
import time
import unittest

from pop3_test import PopInstance
from pop3_tls_test import TlsInstance
from umaya_instance import BUILD, PATIENCE, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

PACKAGES = ["fetchmail", "curl", "mutt", "getmail6", "mpop"]


class MailClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.roots = dict(zip(PACKAGES, sandbox.download(PACKAGES, os.path.join(BUILD, "peers"))))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the mail programs cannot be fetched: {error}") from error
        cls.environment = dict(os.environ, TERM="xterm", LD_LIBRARY_PATH=sandbox.library_path(cls.roots.values()))

    def program(self, name):
        return os.path.join(self.roots[name], "usr/bin", name)

    def test_fetchmail_takes_the_mail_away(self):
        with PopInstance() as mail:
            mail.deliver("first", "second")
            got = mail.path("got")
            mail.write("fetchmailrc", f'poll 127.0.0.1 service {mail.pop_port} protocol pop3 user "alice" password '
                                      f'"secret" sslproto "" mda "cat >> {got}"\n')
            os.chmod(mail.path("fetchmailrc"), 0o600)
            fetched = subprocess.run([self.program("fetchmail"), "-f", mail.path("fetchmailrc"), "--nodetach", "--nosyslog",
                                      "--pidfile", mail.path("fetchmail.pid")], env=self.environment,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60 * PATIENCE,
                                     check=False)
            self.assertEqual(fetched.returncode, 0, fetched.stdout)
            with open(got) as f:
                text = f.read()
            for part in ("Subject: first", "Subject: second", "\n.\n.leading dot\nend\n"):
                self.assertIn(part, text)
            wait_for(lambda: mail.raw_mail("alice") == [], 10, "the mailbox is empty")

    def test_mutt_shows_a_message(self):
        with PopInstance() as mail:
            mail.deliver("for mutt")
            mail.write("muttrc", 'set pop_pass="secret"\nset pop_authenticators="user"\nset ssl_starttls=no\n'
                                 f'set ssl_force_tls=no\nset folder="{mail.config}"\nset pop_checkinterval=600\n'
                                 "set quit=yes\nset delete=no\n")
            screen = self.drive([self.program("mutt"), "-n", "-F", mail.path("muttrc"), "-f",
                                 f"pop://alice@127.0.0.1:{mail.pop_port}/"],
                                [(b"for mutt", b"\n"), (b"leading dot", b"i"), (b"for mutt", b"q")])
            self.assertIn(b"leading dot", screen)
            mail.wait_log("Logged out")
            self.assertIn("retr=1/", mail.read("mail.log"))

    def run_program(self, *command):
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60 * PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_fetchmail_with_stls_and_on_the_tls_port(self):
        with TlsInstance() as mail:
            for port, ways in ((mail.pop_port, 'sslproto "auto"'), (mail.tls_port, "ssl")):
                mail.send("bob@example.test", "alice@example.test", "Subject: over TLS\n\nx\n")
                mail.wait_mail("alice", 1)
                got = mail.path(f"got{port}")
                mail.write("fetchmailrc", f'poll 127.0.0.1 service {port} protocol pop3 user "alice" password "secret" '
                                          f'{ways} no sslcertck mda "cat >> {got}"\n')
                os.chmod(mail.path("fetchmailrc"), 0o600)
                self.run_program(self.program("fetchmail"), "-f", mail.path("fetchmailrc"), "--nodetach", "--nosyslog",
                                 "--pidfile", mail.path("fetchmail.pid"))
                self.assertIn("Subject: over TLS", mail.read(f"got{port}"))
                mail.wait_log(r"Login: user=<alice>.*, TLS, session")

    def test_getmail_with_and_without_tls(self):
        getmail = self.roots["getmail6"]
        packages = os.path.join(getmail, "usr/lib/python3/dist-packages")
        with TlsInstance() as mail:
            for kind, port in (("SimplePOP3Retriever", mail.pop_port), ("SimplePOP3SSLRetriever", mail.tls_port)):
                mail.send("bob@example.test", "alice@example.test", "Subject: for getmail\n\n.\n.x\n")
                mail.wait_mail("alice", 1)
                got = mail.path("got." + kind)
                mail.write("getmailrc", f"[retriever]\ntype = {kind}\nserver = 127.0.0.1\nport = {port}\nusername = alice\n"
                                        f"password = secret\n[destination]\ntype = MDA_external\npath = /usr/bin/tee\n"
                                        f"arguments = ('-a', '{got}')\nallow_root_commands = true\n"
                                        f"[options]\ndelete = true\nread_all = true\n")
                open(got, "w").close()
                self.environment["PYTHONPATH"] = packages
                self.run_program("/usr/bin/python3", os.path.join(getmail, "usr/bin/getmail"), "--getmaildir", mail.config,
                                 "--rcfile", mail.path("getmailrc"))
                with open(got) as f:
                    text = f.read()
                self.assertIn("Subject: for getmail", text)
                self.assertIn("\n.\n.x\n", text)
                wait_for(lambda: mail.umaya("who").stdout == "", 10, "the session ends")
                self.assertEqual(mail.raw_mail("alice"), [])

    def test_mpop_with_and_without_tls(self):
        with TlsInstance() as mail:
            for port, tls in ((mail.pop_port, "tls off"), (mail.pop_port, "tls on\ntls_starttls on\ntls_certcheck off"),
                              (mail.tls_port, "tls on\ntls_starttls off\ntls_certcheck off")):
                mail.send("bob@example.test", "alice@example.test", "Subject: for mpop\n\nx\n")
                mail.wait_mail("alice", 1)
                mail.write("mpoprc", f"account default\nhost 127.0.0.1\nport {port}\nuser alice\npassword secret\n"
                                     f"auth user\n{tls}\nkeep off\nuidls_file {mail.path('uidls')}\n"
                                     f"delivery mbox {mail.path('got.mpop')}\n")
                os.chmod(mail.path("mpoprc"), 0o600)
                self.run_program(self.program("mpop"), "--file=" + mail.path("mpoprc"))
                self.assertIn("Subject: for mpop", mail.read("got.mpop"))
                os.remove(mail.path("got.mpop"))
                wait_for(lambda: mail.umaya("who").stdout == "", 10, "the session ends")
                self.assertEqual(mail.raw_mail("alice"), [])

    def test_curl_with_and_without_tls(self):
        with TlsInstance() as mail:
            mail.deliver("for curl")
            for url, options in ((f"pop3://127.0.0.1:{mail.pop_port}/1", []),
                                 (f"pop3://127.0.0.1:{mail.pop_port}/1", ["--ssl-reqd"]),
                                 (f"pop3s://127.0.0.1:{mail.tls_port}/1", [])):
                text = self.run_program(self.program("curl"), "-sSk", "--user", "alice:secret", *options, url)
                self.assertIn("Subject: for curl", text)
                self.assertIn("\n.leading dot", text)
                wait_for(lambda: mail.umaya("who").stdout == "", 10, "the session ends")

    def drive(self, command, steps):
        """Runs a program on a terminal: for each (what must be on the screen, keys) waits and types. Gives all output."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(command[0], command, self.environment)
        output, seen = b"", 0
        try:
            for expected, keys in steps:
                end = time.monotonic() + 20 * PATIENCE
                while expected not in output[seen:] and time.monotonic() < end:
                    if select.select([terminal], [], [], 0.5)[0]:
                        output += os.read(terminal, 65536)
                seen = len(output)
                os.write(terminal, keys)
            end = time.monotonic() + 5 * PATIENCE
            while time.monotonic() < end and select.select([terminal], [], [], 0.5)[0]:
                output += os.read(terminal, 65536)
        except OSError:
            pass  # the program has ended
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)
        return output


if __name__ == "__main__":
    unittest.main()
