"""Local delivery: aliases, .forward files, commands, mailboxes, virtual users and pipe services, through the whole suite."""

import fcntl
import os
import pwd
import socket
import stat
import time
import unittest

from umaya_instance import Instance, delivery_status, wait_for

MESSAGE = "From: sender@example.test\nSubject: {}\n\nFrom here on it is text.\n"


def owner():
    """Who owns the homes of an instance: nobody when root made it."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid


def write_owned(path, text, mode=0o644):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    os.chown(path, *owner())


def make_owned(path, mode=0o700):
    os.makedirs(path)
    os.chmod(path, mode)
    os.chown(path, *owner())


def read(path):
    with open(path, errors="replace") as f:
        return f.read()


class Forwarding(unittest.TestCase):
    def test_a_forward_file_keeps_a_copy_and_sends_one_on(self):
        with Instance(users=["kim", "lee"]) as mail:
            write_owned(mail.path("home", "kim", ".forward"), "\\kim, lee\n")
            mail.send("sender@example.test", "kim@example.test", MESSAGE.format("copy"))
            self.assertEqual(mail.wait_mail("kim")[0]["Subject"], "copy")
            there = mail.wait_mail("lee")[0]
            self.assertEqual(there.get_all("Delivered-To"), ["lee@example.test", "kim@example.test"])
            self.assertEqual(there["X-Original-To"], "kim@example.test")
            mail.wait_empty()
            mail.wait_log(r"to=<kim@example\.test>, relay=local, .*status=sent \(forwarded as [0-9A-F]+\)")

    def test_each_extension_has_a_list_of_its_own(self):
        with Instance(users=["kim", "lee", "sam"], main_cf={"recipient_delimiter": "+"}) as mail:
            write_owned(mail.path("home", "kim", ".forward+ml"), "lee, sam\n")
            mail.send("sender@example.test", ["kim+ml@example.test", "kim+other@example.test"], MESSAGE.format("ext"))
            for user in ("lee", "sam", "kim"):
                self.assertEqual(len(mail.wait_mail(user)), 1)
            mail.wait_empty()

    def test_two_users_who_forward_to_each_other_get_one_bounce(self):
        with Instance(users=["kim", "lee", "sender"]) as mail:
            write_owned(mail.path("home", "kim", ".forward"), "lee\n")
            write_owned(mail.path("home", "lee", ".forward"), "kim\n")
            mail.send("sender@example.test", "kim@example.test", MESSAGE.format("loop"))
            notice = mail.wait_mail("sender")[0]
            _, recipients = delivery_status(notice)
            self.assertEqual(recipients[0]["Status"], "5.4.6")
            mail.wait_empty()
            self.assertEqual(len(mail.raw_mail("sender")), 1)
            self.assertEqual(mail.raw_mail("kim") + mail.raw_mail("lee"), [])

    def test_a_forward_file_that_everybody_may_write_is_passed_over(self):
        with Instance(users=["kim", "lee"]) as mail:
            write_owned(mail.path("home", "kim", ".forward"), "lee\n", 0o666)
            mail.send("sender@example.test", "kim@example.test", MESSAGE.format("safe"))
            mail.wait_mail("kim")
            mail.wait_empty()
            self.assertEqual(mail.raw_mail("lee"), [])
            mail.wait_log(r"warning: file .*/\.forward is passed over: it is writable by everybody")


class Aliases(unittest.TestCase):
    def test_commands_files_and_lists_of_an_alias(self):
        with Instance(users=["kim", "lee"], start=False) as mail:
            make_owned(mail.path("out"))
            mail.write("members", "# the list\nkim\nlee\n")
            self.with_aliases(mail, f'all: :include:{mail.path("members")}, {mail.path("out", "box")}, '
                                    f'{mail.path("out", "dir")}/, "|cat > {mail.path("out", "seen")}", /dev/null\n')
            mail.start()
            mail.send("sender@example.test", "all@example.test", MESSAGE.format("all"))
            for user in ("kim", "lee"):
                self.assertEqual(mail.wait_mail(user)[0]["X-Original-To"], "all@example.test")
            mail.wait_empty()
            box = read(mail.path("out", "box"))
            self.assertTrue(box.startswith("From sender@example.test "), box)
            self.assertIn("\n\n>From here on it is text.\n\n", box)
            self.assertEqual(len(os.listdir(mail.path("out", "dir", "new"))), 1)
            self.assertIn("\nDelivered-To: all@example.test\n", read(mail.path("out", "seen")))
            self.assertEqual(os.stat(mail.path("out", "seen")).st_uid, owner()[0])

    def test_the_owner_of_a_list_gets_its_bounces(self):
        aliases = "list: kim, gone-away\nowner-list: lee\n"
        with Instance(users=["kim", "lee", "sender"], aliases=aliases) as mail:
            mail.send("sender@example.test", "list@example.test", MESSAGE.format("list"))
            self.assertEqual(mail.wait_mail("kim")[0]["Return-Path"], "<owner-list@example.test>")
            notice = mail.wait_mail("lee")[0]
            _, recipients = delivery_status(notice)
            self.assertIn("gone-away@example.test", recipients[0]["Final-Recipient"])
            mail.wait_empty()
            self.assertEqual(mail.raw_mail("sender"), [])

    def test_a_list_that_cannot_be_read_waits_until_it_can(self):
        with Instance(users=["kim"], start=False) as mail:
            self.with_aliases(mail, f"list: :include:{mail.path('members')}\n")
            mail.start()
            mail.send("sender@example.test", "list@example.test", MESSAGE.format("later"))
            mail.wait_log(r"to=<list@example\.test>, .*dsn=4\.\d\.\d, status=deferred \(:include: ")
            mail.write("members", "kim\n")
            mail.flush()
            mail.wait_mail("kim")
            mail.wait_empty()

    def with_aliases(self, mail, text):
        mail.set(alias_database=f"hash:{mail.path('aliases')}", alias_maps="$alias_database")
        mail.write("aliases", text)
        mail.tool("sendmail", program="newaliases", check=True)


class Trouble(unittest.TestCase):
    def test_a_home_that_is_not_mounted_defers_and_is_not_made(self):
        with Instance(users=["kim"]) as mail:
            home = mail.path("home", "kim")
            os.rename(home, home + ".away")
            mail.send("sender@example.test", "kim@example.test", MESSAGE.format("wait"))
            mail.wait_log(r"to=<kim@example\.test>, .*status=deferred \(")
            self.assertFalse(os.path.exists(home))
            os.rename(home + ".away", home)
            mail.flush()
            mail.wait_mail("kim")
            mail.wait_empty()

    def test_become_killed_again_and_again_loses_nothing(self):
        with Instance(users=["kim", "lee"]) as mail:
            mail.crashes_expected = True
            for number in range(20):
                mail.send("sender@example.test", ["kim@example.test", "lee@example.test"], MESSAGE.format(number))
                if number % 4 == 0:
                    for pid, name in mail.daemons().items():
                        if name == "become":
                            os.kill(pid, 9)
            wait_for(lambda: self.flushed(mail), 60, "the queue is empty")
            for user in ("kim", "lee"):
                subjects = {int(message["Subject"]) for message in mail.mail(user)}
                self.assertEqual(subjects, set(range(20)))

    def flushed(self, mail):
        if not mail.queued():
            return True
        mail.flush()
        time.sleep(0.3)
        return False


class Mailboxes(unittest.TestCase):
    def spool(self, mail):
        os.mkdir(mail.path("mail"))
        os.chmod(mail.path("mail"), 0o1777)
        mail.set(home_mailbox="", mail_spool_directory=mail.path("mail"))

    def test_an_mbox_is_kept_with_locks_and_quotes(self):
        with Instance(users=["kim"], start=False) as mail:
            self.spool(mail)
            mail.start()
            for number in range(3):
                mail.send("sender@example.test", "kim@example.test", MESSAGE.format(number))
            mail.wait_empty()
            box = read(mail.path("mail", "kim"))
            self.assertEqual(box.count("\nSubject: "), 3)
            self.assertEqual(box.count("\n\n>From here on it is text.\n\n"), 3)
            self.assertEqual(stat.S_IMODE(os.stat(mail.path("mail", "kim")).st_mode), 0o600)
            self.assertEqual(os.listdir(mail.path("mail")), ["kim"])

    def test_biff_tells_comsat_where_the_new_message_begins(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as comsat, Instance(users=["biffkim"], start=False) as mail:
            try:
                comsat.bind(("127.0.0.1", 512))
            except OSError as error:
                self.skipTest(f"the port of comsat: {error}")
            comsat.settimeout(20)
            self.spool(mail)
            mail.start()
            for number in range(2):
                mail.send("sender@example.test", "biffkim@example.test", MESSAGE.format(number))
                heard = b""
                while not heard.startswith(b"biffkim@"):  # others may use the port of this host, too
                    heard = comsat.recv(1000)
                offset = int(heard.split(b"@")[1])
                box = read(mail.path("mail", "biffkim"))
                self.assertTrue(box[offset:].startswith("From sender@example.test "), heard)
                self.assertEqual(offset == 0, number == 0)

    def test_a_locked_mbox_defers_and_is_tried_again(self):
        with Instance(users=["kim"], main_cf={"deliver_lock_attempts": "2", "deliver_lock_delay": "1s"},
                      start=False) as mail:
            self.spool(mail)
            write_owned(mail.path("mail", "kim"), "", 0o600)
            mail.start()
            with open(mail.path("mail", "kim"), "r+") as box:
                fcntl.lockf(box, fcntl.LOCK_EX)
                mail.send("sender@example.test", "kim@example.test", MESSAGE.format("locked"))
                mail.wait_log(r"status=deferred \(mailbox kim is locked by another program\)", 20)
            mail.flush()
            mail.wait_empty()
            self.assertIn("Subject: locked", read(mail.path("mail", "kim")))

    def test_L21_a_full_mbox_sends_the_mail_back(self):
        with Instance(users=["kim", "sender"], start=False,
                      main_cf={"mailbox_size_limit": "3000", "message_size_limit": "2500"}) as mail:
            self.spool(mail)
            mail.start()
            for number in range(2):
                mail.send("sender@example.test", "kim@example.test", MESSAGE.format(number) + "x" * 70 * 20)
            mail.wait_log(r"to=<kim@example\.test>, .*dsn=5\.2\.2, status=bounced \(the mailbox is full")
            self.assertLessEqual(os.path.getsize(mail.path("mail", "kim")), 3000)


class VirtualUsers(unittest.TestCase):
    def test_users_of_a_virtual_domain_have_mailboxes_without_accounts(self):
        with Instance(users=["kim"], start=False) as mail:
            uid, gid = owner()
            make_owned(mail.path("virtual"))
            mail.write("boxes", "ann@v.test v.test/ann/\nbob@v.test v.test/bob.mbox\nbad@v.test ../../outside/\n")
            mail.set(virtual_mailbox_domains="v.test", virtual_mailbox_base=mail.path("virtual"),
                     virtual_mailbox_maps=f"texthash:{mail.path('boxes')}", virtual_uid_maps=f"static:{uid}",
                     virtual_gid_maps=f"static:{gid}", virtual_minimum_uid="1")
            mail.start()
            mail.send("sender@example.test", ["ann@v.test", "bob@v.test", "bad@v.test"], MESSAGE.format("virtual"))
            mail.wait_log(r"to=<ann@v\.test>, relay=virtual, .*status=sent \(delivered to maildir\)")
            mail.wait_log(r"to=<bob@v\.test>, relay=virtual, .*status=sent \(delivered to mailbox\)")
            mail.wait_log(r"to=<bad@v\.test>, relay=virtual, .*status=deferred \(")
            self.assertEqual(len(os.listdir(mail.path("virtual", "v.test", "ann", "new"))), 1)
            self.assertIn("Subject: virtual", read(mail.path("virtual", "v.test", "bob.mbox")))
            self.assertFalse(os.path.exists(mail.path("outside")))


class Pipes(unittest.TestCase):
    def test_a_pipe_service_runs_its_command_without_a_shell(self):
        with Instance(users=["kim"], start=False) as mail:
            make_owned(mail.path("out"))
            script = mail.path("deliver")
            write_owned(script, f'#!/bin/sh\nprintf "<%s>" "$@" > {mail.path("out", "args")}\n'
                                f'cat > {mail.path("out", "text")}\n', 0o755)
            mail.set(transport_maps="inline:{p.test=script:}", relay_domains="p.test",
                     script_destination_recipient_limit="1")
            mail.edit_master("script unix - n n - - pipe\n"
                             f"  flags=DRhu user=nobody argv={script} -f ${{sender}} $user $extension -- $recipient\n")
            mail.start()
            mail.send("sender@example.test", '"`id`;$HOME"@P.test', MESSAGE.format("pipe"))
            mail.wait_log(r"relay=script, .*status=sent \(delivered via script service\)")
            self.assertEqual(read(mail.path("out", "args")),
                             "<-f><sender@example.test><`id`;$home><><--><`id`;$home@p.test>")
            self.assertTrue(read(mail.path("out", "text")).startswith("Return-Path: <sender@example.test>\n"))

    def test_Q11_a_stop_during_a_short_delivery_makes_no_second_copy(self):
        with Instance(users=["kim"], start=False) as mail:
            make_owned(mail.path("out"))
            begun, copies = mail.path("out", "begun"), mail.path("out", "copies")
            script = mail.path("slow")
            write_owned(script, f"#!/bin/sh\ncat > /dev/null\necho . >> {begun}\nsleep 2\necho . >> {copies}\n", 0o755)
            mail.set(transport_maps="inline:{p.test=slow:}", relay_domains="p.test")
            mail.edit_master(f"slow unix - n n - - pipe\n  user=nobody argv={script}\n")
            mail.start()
            mail.send("sender@example.test", "kim@p.test", MESSAGE.format("once"))
            wait_for(lambda: os.path.exists(begun), 10, "the command runs")
            mail.stop()
            mail.start()
            mail.wait_empty(40)
            self.assertEqual(read(begun), ".\n")
            self.assertEqual(read(copies), ".\n")

    def test_Q11_a_queue_manager_killed_during_a_delivery_makes_no_second_copy(self):
        with Instance(users=["kim"], start=False) as mail:
            mail.crashes_expected = True
            make_owned(mail.path("out"))
            begun, copies = mail.path("out", "begun"), mail.path("out", "copies")
            script = mail.path("slow")
            write_owned(script, f"#!/bin/sh\ncat > /dev/null\necho . >> {begun}\nsleep 3\necho . >> {copies}\n", 0o755)
            mail.set(transport_maps="inline:{p.test=slow:}", relay_domains="p.test")
            mail.edit_master(f"slow unix - n n - - pipe\n  user=nobody argv={script}\n")
            mail.start()
            mail.send("sender@example.test", "kim@p.test", MESSAGE.format("once"))
            wait_for(lambda: os.path.exists(begun), 10, "the command runs")
            for pid, name in mail.daemons().items():
                if name == "qmgr":
                    os.kill(pid, 9)
            mail.wait_empty(40)
            self.assertEqual(read(begun), ".\n")
            self.assertEqual(read(copies), ".\n")

    def test_mailbox_transport_hands_mailboxes_to_another_agent(self):
        with Instance(users=["kim"], main_cf={"mailbox_transport": "script"}, start=False) as mail:
            make_owned(mail.path("out"))
            mail.edit_master("script unix - n n - - pipe\n"
                             f"  user=nobody argv=/usr/bin/tee {mail.path('out')}/$user\n")
            mail.start()
            mail.send("sender@example.test", "kim@example.test", MESSAGE.format("passed"))
            mail.wait_log(r"to=<kim@example\.test>, relay=script, .*status=sent \(delivered via script service")
            self.assertIn("Subject: passed", read(mail.path("out", "kim")))
            mail.wait_empty()


if __name__ == "__main__":
    unittest.main()
