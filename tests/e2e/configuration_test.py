#!/usr/bin/env python3
"""The configuration as an administrator meets it: files written for Postfix, postconf, umaya check, reload."""

import ctypes
import os
import socket
import unittest

from umaya_instance import Instance, wait_for

# The services of Debian's postfix package (version 3.7), chroot included.
POSTFIX_MASTER_CF = """
# ==========================================================================
# service type  private unpriv  chroot  wakeup  maxproc command + args
#               (yes)   (yes)   (no)    (never) (100)
# ==========================================================================
127.0.0.1:{port} inet n -       y       -       -       smtpd
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
defer     unix  -       -       y       -       0       bounce
trace     unix  -       -       y       -       0       bounce
verify    unix  -       -       y       -       1       verify
flush     unix  n       -       y       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
showq     unix  n       -       y       -       -       showq
error     unix  -       -       y       -       -       error
retry     unix  -       -       y       -       -       error
discard   unix  -       -       y       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
anvil     unix  -       -       y       -       1       anvil
scache    unix  -       -       y       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${{recipient}}
"""


def greeting(port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        return connection.recv(512).decode()


class Configuration(unittest.TestCase):
    def test_a_master_cf_written_for_postfix_carries_mail(self):
        with Instance(users=["alice"], start=False) as mail:
            mail.write("master.cf", POSTFIX_MASTER_CF.format(port=mail.port))
            mail.start()
            mail.send("bob@example.test", "alice@example.test", "Subject: one\n\nfrom a socket\n")
            mail.sendmail("alice@example.test", input="Subject: two\n\nfrom a program\n", check=True)
            self.assertEqual({message["Subject"] for message in mail.wait_mail("alice", 2)}, {"one", "two"})

    def test_postconf_edits_and_reload_makes_it_count(self):
        with Instance(users=["alice"]) as mail:
            self.assertNotIn("changed", greeting(mail.port))
            before = mail.read("main.cf")
            mail.tool("postconf", "smtpd_banner=$myhostname ESMTP changed", check=True)
            self.assertTrue(mail.read("main.cf").startswith(before.split("smtpd_banner")[0].rstrip("\n")))
            shown = mail.tool("postconf", "-h", "smtpd_banner", check=True).stdout
            self.assertEqual(shown, "$myhostname ESMTP changed\n")
            mail.reload()
            wait_for(lambda: greeting(mail.port).rstrip().endswith("ESMTP changed"), 10, "the new greeting")

    def test_options_of_one_service_win_over_main_cf(self):
        with Instance(users=["alice"], start=False) as mail:
            service = f"127.0.0.1:{mail.port}/inet"
            mail.tool("postconf", "-P", f"{service}/smtpd_banner=$myhostname one service", check=True)
            mail.start()
            self.assertTrue(greeting(mail.port).rstrip().endswith("one service"))
            self.assertEqual(mail.tool("postconf", "-Ph", f"{service}/smtpd_banner").stdout, "$myhostname one service\n")

    def test_k1_the_mistakes_of_the_lab_are_named_with_line_and_cure(self):
        with Instance(users=["k.mizo"], start=False) as mail:
            mail.write("lines", "")
            lines = mail.read("main.cf").count("\n")
            mail.set(myhostname="server.c5.exp.info.kochi-tech.ac.jp.", smtpd_timout="30s", mynetworks="192.168.0.5/24",
                     smtpd_delay_open_until_valid_rcpt="no")
            said = mail.umaya("check")
            text = said.stdout + said.stderr
            main_cf = os.path.join(mail.config, "main.cf")
            for number, words in enumerate((
                    "myhostname = server.c5.exp.info.kochi-tech.ac.jp.: a host name ends without a dot here: remove the final dot",
                    "unknown parameter smtpd_timout: did you mean smtpd_timeout?",
                    "mynetworks = 192.168.0.5/24: \"192.168.0.5/24\" has non-zero host bits: perhaps you meant 192.168.0.0/24",
                    "smtpd_delay_open_until_valid_rcpt has no effect yet"), lines + 1):
                self.assertIn(f"{main_cf}, line {number}: {words}", text)

    def test_a_mistake_in_master_cf_stops_the_start_with_line_and_cure(self):
        with Instance(users=["alice"], start=False) as mail:
            lines = mail.read("master.cf").count("\n")
            with open(mail.path("master.cf"), "a") as file:
                file.write("extra unix - - q - - local\n")
            said = mail.umaya("start")
            self.assertNotEqual(said.returncode, 0)
            self.assertIn(f"master.cf, line {lines + 1}: extra/unix: field \"chroot\" is \"q\": write y, n or -", said.stdout + said.stderr)


def landlock_abi():
    """The kernel's version of Landlock; below 1: none."""
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1)


class Status(unittest.TestCase):
    def test_status_names_what_is_in_force_for_each_daemon_and_nothing_else(self):
        with Instance() as mail:
            mail.send("alice@example.test", "bob@example.test", "Subject: x\n\nx\n")
            mail.wait_mail("bob")
            shown = {}
            for line in mail.umaya("status", check=True).stdout.splitlines()[1:]:
                words = line.split()
                shown[words[1]] = words[5:]  # pid, process, uid, "1234 kB", what is in force
            for daemon in ("smtpd", "cleanup", "qmgr", "local"):
                self.assertIn("no_new_privs", shown[daemon], shown)
                self.assertIn("seccomp", shown[daemon], shown)
                self.assertEqual("landlock" in shown[daemon], landlock_abi() >= 1, shown)
                self.assertFalse([word for word in shown[daemon] if word.endswith("ns")], shown)
            self.assertEqual(shown["master"], ["-"])


if __name__ == "__main__":
    unittest.main()
