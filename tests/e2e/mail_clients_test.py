"""Real mail programs read by POP3: fetchmail and mutt, from Debian's packages, unpacked beside the build."""

import os
import pty
import select
import subprocess
import sys
import time
import unittest

from pop3_test import PopInstance
from umaya_instance import BUILD, PATIENCE, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

PACKAGES = ["fetchmail", "mutt", "libgsasl18", "libtokyocabinet9", "libgpgme11", "libassuan0", "libidn12", "libntlm0",
            "libgssglue1"]


class MailClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.roots = dict(zip(PACKAGES, sandbox.download(PACKAGES, os.path.join(BUILD, "peers"))))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the mail programs cannot be fetched: {error}") from error
        libraries = [os.path.join(root, "usr/lib", triplet) for root in cls.roots.values()
                     for triplet in ("x86_64-linux-gnu", "aarch64-linux-gnu")]
        cls.environment = dict(os.environ, TERM="xterm",
                               LD_LIBRARY_PATH=":".join(path for path in libraries if os.path.isdir(path)))

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
