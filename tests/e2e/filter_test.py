"""A before-queue filter (smtpd_proxy_filter) on real sockets: proxsmtpd from Debian's packages, and filters that misbehave.

    client -> smtpd -> filter -> smtpd (another port of the same instance) -> mailboxes
"""

import os
import smtplib
import socket
import subprocess
import sys
import threading
import unittest

from smtp_peer import SmtpPeer
from umaya_instance import BUILD, Instance, free_port, greets, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

SCRIPT = """\
#!/bin/sh
text=$(cat; echo x)
text=${text%x}
case "$text" in
*VIRUS*) echo "554 5.7.1 this is a virus" >&2; exit 1;;
esac
printf 'X-Filtered: for %s from %s\\r\\n%s' "$(echo "$RECIPIENTS" | tr '\\n' ' ')" "$REMOTE" "$text"
"""


class Proxsmtpd:
    """The filter as a process of ours, in a directory of the instance."""

    def __init__(self, mail, out_port):
        root = sandbox.download(["proxsmtp"], os.path.join(BUILD, "peers"))[0]
        self.port = free_port()
        script = mail.path("filter.sh")
        mail.write("filter.sh", SCRIPT)
        os.chmod(script, 0o755)
        os.mkdir(mail.path("filter"))
        os.chmod(mail.path("filter"), 0o777)
        mail.write("proxsmtpd.conf", f"OutAddress: 127.0.0.1:{out_port}\nListen: 127.0.0.1:{self.port}\n"
                   f"FilterCommand: {script}\nTempDirectory: {mail.path('filter')}\n")
        self.log = open(mail.path("filter.log"), "wb")
        self.process = subprocess.Popen([os.path.join(root, "usr/sbin/proxsmtpd"), "-d", "4", "-f",
                                         mail.path("proxsmtpd.conf")], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


class Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def close(self):
        self.listener.close()


def services(mail, behind, filter_port, *more):
    """smtpd in front of the filter and behind it."""
    mail.edit_master(f"127.0.0.1:{mail.port} inet n - n - - smtpd\n  -o smtpd_proxy_filter=127.0.0.1:{filter_port}\n"
                     + "".join(f"  -o {option}\n" for option in more)
                     + f"127.0.0.1:{behind} inet n - n - - smtpd\n  -o smtpd_authorized_xforward_hosts=127.0.0.0/8\n"
                     "  -o smtpd_recipient_restrictions=permit_mynetworks,reject\n")


class RealFilter(unittest.TestCase):
    def check(self, *options):
        with Instance(start=False) as mail:
            behind = free_port()
            try:
                real = Proxsmtpd(mail, behind)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                raise unittest.SkipTest(f"proxsmtp cannot be fetched: {error}") from error
            with real:
                services(mail, behind, real.port, *options)
                mail.start()
                wait_for(lambda: greets(behind), 20, "the smtpd behind the filter")
                mail.send("sender@example.test", ["alice@example.test", "bob@example.test"],
                          "Subject: clean\n\n.dot\n..two\nlast\n")
                for user in ("alice", "bob"):
                    message = mail.wait_mail(user)[0]
                    self.assertEqual(message["Subject"], "clean")
                    self.assertRegex(message["X-Filtered"], r"alice@example\.test.* bob@example\.test.* from 127\.0\.0\.1")
                    self.assertEqual(message.get_content().replace("\r\n", "\n"), ".dot\n..two\nlast\n")
                    self.assertEqual(len(message.get_all("Received")), 2)
                mail.wait_log(r"NOQUEUE: client=")
                mail.wait_log(r"proxy-accept: END-OF-MESSAGE: 250 2\.0\.0 .*; from=<sender@example\.test> "
                              r"to=<alice@example\.test> proto=ESMTP helo=<")
                with self.assertRaises(smtplib.SMTPDataError) as refused:
                    mail.send("sender@example.test", ["alice@example.test"], "Subject: bad\n\nVIRUS\n")
                self.assertEqual(refused.exception.smtp_code, 554)
                self.assertIn(b"this is a virus", refused.exception.smtp_error)
                mail.wait_log(r"proxy-reject: END-OF-MESSAGE: 554 .*this is a virus")
                with self.assertRaises(smtplib.SMTPRecipientsRefused):
                    mail.send("sender@example.test", ["nobody.here@example.test"], "Subject: x\n\nx\n")
                large = "".join(f"line {n} of a large message {'x' * 50}\n" for n in range(20000))
                mail.send("sender@example.test", ["bob@example.test"], "Subject: large\n\n" + large)
                self.assertEqual(mail.wait_mail("bob", 2)[1].get_content().replace("\r\n", "\n"), large)
                mail.wait_empty()
                self.assertEqual(len(mail.raw_mail("alice")), 1)
                real.process.terminate()
                real.process.wait(20)
                with self.assertRaises((smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)) as gone:
                    mail.send("sender@example.test", ["alice@example.test"], "Subject: no filter\n\nx\n")
                self.assertIn("451", str(gone.exception))
                self.assertIn("4.3.0 Error: queue file write error", str(gone.exception))

    def test_proxsmtpd_looks_into_mail_before_it_is_taken(self):
        self.check()

    def test_proxsmtpd_is_called_when_the_message_is_there_with_speed_adjust(self):
        self.check("smtpd_proxy_options=speed_adjust")


class Misbehaving(unittest.TestCase):
    def test_a_filter_that_hangs_defers_after_smtpd_proxy_timeout(self):
        silent = Silent()
        with Instance(start=False) as mail:
            services(mail, free_port(), silent.port, "smtpd_proxy_timeout=1s")
            mail.start()
            with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
                mail.send("sender@example.test", ["alice@example.test"], "Subject: x\n\nx\n")
            self.assertIn("451", str(refused.exception))
            mail.wait_log(f"timeout talking to proxy 127.0.0.1:{silent.port}")
        silent.close()

    def test_what_the_filter_says_of_recipients_counts_and_many_clients_are_served(self):
        with SmtpPeer() as peer, Instance(start=False) as mail:
            peer.reply_to_rcpt = lambda a: "450 4.2.1 busy" if a.startswith("bob") else "250 2.1.5 Ok"
            services(mail, free_port(), peer.port)
            mail.start()
            refused = mail.send("sender@example.test", ["alice@example.test", "bob@example.test"], "Subject: x\n\nx\n")
            self.assertEqual(list(refused), ["bob@example.test"])
            self.assertEqual(refused["bob@example.test"][0], 450)
            self.assertEqual(peer.messages[0]["recipients"], ["alice@example.test"])
            threads = [threading.Thread(target=mail.send, args=("s@x.org", ["alice@example.test"],
                                                                f"Subject: {n}\n\nx\n")) for n in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(peer.messages), 21)


if __name__ == "__main__":
    unittest.main()
