"""Full mailboxes: refused at RCPT, or kept in the queue until there is room; the same sums as Dovecot's; the kernel's own
quotas.

Dovecot and btrfs-progs are Debian's, unpacked into the build folder and run in namespaces; those stories need root.
"""

import os
import signal
import smtplib
import subprocess
import sys
import threading
import unittest

import mail_peers
import peer_stories
from mail_peers import Dovecot
from pop3_test import PopInstance
from umaya_instance import Instance, delivery_status, wait_for

SENDER = "bob@example.test"


def text(octets=200):
    return "Subject: fill\n\n" + "x" * 70 + "\n" + "".join("y" * 70 + "\n" for _ in range(octets // 71))


def maildir(mail, user="alice"):
    return mail.path("home", user, "Maildir")


def files_of(folder):
    names = [os.path.join(folder, part, name) for part in ("new", "cur") for name in os.listdir(f"{folder}/{part}")]
    return len(names), sum(os.stat(name).st_size for name in names)


def sums_of(folder):
    """What maildirsize says: (messages, octets)."""
    with open(f"{folder}/maildirsize") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    return sum(int(row[1]) for row in rows), sum(int(row[0]) for row in rows)


def refusal(call, *arguments):
    """The reply that a command gets which is refused."""
    try:
        call(*arguments)
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))
    except smtplib.SMTPResponseError as error:
        return error.smtp_code, error.smtp_error
    raise AssertionError("it was taken")


def quota_line(mail, address, verb="get"):
    """umaya quota: (octets, limit, messages, limit) as text."""
    shown = mail.umaya("quota", verb, address, check=True).stdout.split()
    assert shown[0] == address, shown
    return shown[1], shown[2], shown[4], shown[5]


class Quota(unittest.TestCase):
    def test_l21_s30_full_is_refused_at_rcpt_and_taken_again_after_a_removal_by_pop3(self):
        with PopInstance(main_cf={"mailbox_quota_maps": "inline:{ {alice=1000000S,3C} }"}) as mail:
            for count in range(1, 4):
                mail.send(SENDER, "alice@example.test", text())
                mail.wait_mail("alice", count)
            code, reply = refusal(mail.send, SENDER, "alice@example.test", text())
            self.assertEqual(code, 452)
            self.assertTrue(reply.startswith(b"4.2.2 <alice@example.test>: Recipient address rejected: Quota exceeded"))
            mail.wait_log(r"reject: RCPT from .*452 4\.2\.2 .*\(mailbox is full: it has 3 messages, its limit is 3\)")
            mail.send(SENDER, "bob@example.test", text())  # others have room
            mail.wait_mail("bob", 1)
            self.assertEqual(sums_of(maildir(mail)), files_of(maildir(mail)))
            client = mail.pop()
            client.dele(2)
            client.quit()
            self.assertEqual(sums_of(maildir(mail)), files_of(maildir(mail)))
            mail.send(SENDER, "alice@example.test", text())
            mail.wait_mail("alice", 3)
            self.assertEqual(sums_of(maildir(mail)), files_of(maildir(mail)))
            self.assertEqual(sums_of(maildir(mail))[0], 3)

    def test_l21_the_announced_size_counts_and_552_is_the_administrators_choice(self):
        settings = {"mailbox_quota_maps": "inline:{ alice=5000 }", "mailbox_overquota_bounce": "yes"}
        with PopInstance(main_cf=settings) as mail:
            with mail.smtp() as client:
                client.ehlo()
                client.mail(SENDER, ["SIZE=5001"])
                code, reply = client.rcpt("alice@example.test")
                self.assertEqual((code, reply[:6]), (552, b"5.2.2 "))
                client.rset()
                client.mail(SENDER, ["SIZE=5000"])
                self.assertEqual(client.rcpt("alice@example.test")[0], 250)
                client.rset()
                client.mail(SENDER)
                self.assertEqual(client.rcpt("alice@example.test")[0], 250)
            # Who says nothing of the size is found out when it is delivered.
            with mail.smtp() as client:
                client.esmtp_features = {}
                client.helo()
                client.sendmail(SENDER, ["alice@example.test"], text(6000))
            notice = mail.wait_mail("bob", 1)[0]
            self.assertEqual(delivery_status(notice)[1][0]["Status"], "5.2.2")
            self.assertIn("0 of 5000 bytes are used", " ".join(notice.as_string().split()))
            self.assertEqual(mail.mail("alice"), [])

    def test_l21_mail_that_was_taken_before_waits_for_room_and_comes_once(self):
        settings = {"mailbox_quota": "1C", "smtpd_reject_over_quota": "no"}
        with PopInstance(main_cf=settings) as mail:
            mail.send(SENDER, "alice@example.test", text())
            mail.wait_mail("alice", 1)
            mail.send(SENDER, "alice@example.test", text())
            mail.wait_log(r"to=<alice@example\.test>.*dsn=4\.2\.2, status=deferred \(mailbox is full: it has 1 ")
            wait_for(lambda: mail.queued().get("deferred"), 10, "the message is deferred")
            self.assertIn("mailbox is full", mail.mailq()[0]["recipients"][0]["delay_reason"])
            client = mail.pop()
            client.dele(1)
            client.quit()
            mail.flush()
            mail.wait_empty()
            self.assertEqual(len(mail.mail("alice")), 1)
            self.assertEqual(sums_of(maildir(mail)), files_of(maildir(mail)))

    def test_l21_senders_side_by_side_fill_a_mailbox_to_its_limit_and_no_further(self):
        limit, each = 40, 30
        settings = {"mailbox_quota": f"{limit}C", "smtpd_reject_over_quota": "no"}
        with PopInstance(main_cf=settings) as mail:
            def send():
                with mail.smtp() as client:
                    for _ in range(each):
                        client.sendmail(SENDER, ["alice@example.test"], text())
            threads = [threading.Thread(target=send) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            mail.wait_log(r"status=deferred \(mailbox is full", 30, count=3 * each - limit)
            self.assertEqual(len(mail.mail("alice")), limit)
            self.assertEqual(sums_of(maildir(mail)), files_of(maildir(mail)))

    def test_the_mail_passes_when_the_question_cannot_be_asked(self):
        with Instance(main_cf={"mailbox_quota": "1", "smtpd_over_quota_timeout": "1s"}) as mail:
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                mail.send(SENDER, "alice@example.test", text())
            agents = [pid for pid, name in mail.daemons().items() if name == "local"]
            for pid in agents:
                os.kill(pid, signal.SIGSTOP)
            mail.send(SENDER, "alice@example.test", text())
            mail.wait_log(r"private/local: .*recipients are accepted without knowing")
            for pid in agents:
                os.kill(pid, signal.SIGCONT)
            mail.wait_log(r"to=<alice@example\.test>.*dsn=4\.2\.2, status=deferred")
        with Instance(main_cf={"mailbox_quota": "lots"}) as mail:
            mail.send(SENDER, "alice@example.test", text())
            mail.wait_log(r"status=deferred \(mailbox_quota: bad limit \"lots\": write 50000000")
            self.assertIn('mailbox_quota = lots: bad limit "lots"', mail.umaya("check").stderr)

    def test_virtual_mailboxes_have_quotas_by_table_through_an_alias_of_their_own(self):
        with VirtualInstance() as mail:
            self.assertEqual(quota_line(mail, "kim@v.test"), ("0", "2000", "0", "-"))
            mail.send(SENDER, "kim@v.test", text(600))
            mail.wait_log(r"to=<kim@v\.test>.*status=sent")
            folder = mail.path("boxes", "kim")
            self.assertEqual(sums_of(folder), files_of(folder))
            octets = str(files_of(folder)[1])
            self.assertEqual(quota_line(mail, "kim@v.test"), (octets, "2000", "1", "-"))
            for address in ("kim@v.test", "alias@v.test"):
                code, reply = refusal(mail.send, SENDER, address, text(1500))
                self.assertEqual((code, reply[:6]), (552, b"5.2.2 "), reply)
            with open(f"{folder}/maildirsize", "w") as f:
                f.write("2000S\n7 7\n")
            self.assertEqual(quota_line(mail, "kim@v.test")[0], "7")
            self.assertEqual(quota_line(mail, "kim@v.test", "recalc"), (octets, "2000", "1", "-"))
            self.assertEqual(quota_line(mail, "kim@v.test"), (octets, "2000", "1", "-"))
            self.assertEqual(quota_line(mail, "free@v.test"), ("0", "-", "0", "-"))
            unknown = mail.umaya("quota", "get", "nobody@v.test", "bob@elsewhere.test")
            self.assertEqual(unknown.returncode, 1)
            self.assertIn("unknown user", unknown.stderr)
            self.assertIn("bob@elsewhere.test: goes to smtp", unknown.stderr)

    def test_check_names_limits_that_are_none(self):
        with Instance(start=False) as mail:
            mail.write("limits", "kim@v.test 5 megabytes\nlee@v.test 5M\n")
            mail.set(virtual_mailbox_limit_maps=f"texthash:{mail.path('limits')}", mailbox_quota_maps="static:big")
            said = mail.umaya("check").stderr
            self.assertIn('kim@v.test: bad limit "5 megabytes": write 50000000, 50M or 1G', said)
            self.assertIn('mailbox_quota_maps = static:big: static:big: bad limit "big"', said)
            self.assertNotIn("lee@v.test", said)


class VirtualInstance(Instance):
    def __init__(self):
        super().__init__(start=False)
        boxes = self.path("boxes")
        os.mkdir(boxes)
        uid, gid = (20001, 20001) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        os.chown(boxes, uid, gid)
        self.set(virtual_mailbox_domains="v.test", virtual_mailbox_base=boxes,
                 virtual_mailbox_maps="inline:{ {kim@v.test=kim/}, {free@v.test=free/} }",
                 virtual_alias_maps="inline:{ {kim@v.test=kim@v.test}, {alias@v.test=kim@v.test} }",
                 virtual_uid_maps=f"static:{uid}", virtual_gid_maps=f"static:{gid}", virtual_minimum_uid="1",
                 virtual_mailbox_limit_maps="inline:{ {kim@v.test=2000} }", virtual_overquota_bounce="yes")
        self.start()


# One maildirsize, two servers.

LIMIT, MESSAGES = 20480, 40
DOVECOT_QUOTA = f"""
mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:bytes={LIMIT}:messages={MESSAGES}
}}
"""


def with_dovecot(work):
    settings = {"mailbox_quota_maps": f"inline:{{ {{alice={LIMIT}S,{MESSAGES}C}} }}"}
    with PopInstance(main_cf=settings) as mail:
        mail.send(SENDER, "alice@example.test", text())
        mail.wait_mail("alice", 1)
        folder = maildir(mail)
        with Dovecot(work, folder, DOVECOT_QUOTA) as dovecot:
            try:
                agree_both_ways(mail, dovecot, folder)
            except AssertionError as error:
                raise AssertionError(f"{error}\n--- Dovecot's log ---\n{dovecot.log()}") from error


def doveadm_quota(dovecot):
    """(KiB used, KiB limit, messages, limit) as Dovecot sees them."""
    done = subprocess.run(["/usr/bin/doveadm", "-c", f"{dovecot.work}/dovecot.conf", "-f", "tab", "quota", "get", "-u",
                           "alice"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = {row.split("\t")[1]: row.split("\t")[2:4] for row in done.stdout.splitlines()[1:]}
    return (*map(int, rows["STORAGE"]), *map(int, rows["MESSAGE"]))


def must_agree(mail, dovecot, folder):
    count, octets = files_of(folder)
    assert sums_of(folder) == (count, octets), (sums_of(folder), count, octets)
    ours = quota_line(mail, "alice@example.test")
    assert ours == (str(octets), str(LIMIT), str(count), str(MESSAGES)), (ours, octets, count)
    used, limit, messages, most = doveadm_quota(dovecot)
    assert (messages, most, limit) == (count, MESSAGES, LIMIT // 1024), (messages, most, limit)
    assert octets // 1024 <= used <= -(-octets // 1024), (used, octets)
    with open(f"{folder}/maildirsize") as f:
        assert f.readline() == f"{LIMIT}S,{MESSAGES}C\n"


def agree_both_ways(mail, dovecot, folder):
    must_agree(mail, dovecot, folder)  # a file of ours
    inode = os.stat(f"{folder}/maildirsize").st_ino
    client = dovecot.imap()
    assert client.append("INBOX", "", None, text(2000).replace("\n", "\r\n").encode())[0] == "OK"
    assert os.stat(f"{folder}/maildirsize").st_ino == inode, "Dovecot counted anew: it did not believe our file"
    must_agree(mail, dovecot, folder)
    for count in range(3, 6):
        mail.send(SENDER, "alice@example.test", text(500))
        wait_for(lambda: files_of(folder)[0] == count, 10, f"{count} messages")
        must_agree(mail, dovecot, folder)
    # Full for one is full for the other.
    room = LIMIT - files_of(folder)[1]
    status, said = client.append("INBOX", "", None, b"Subject: y\r\n\r\n" + b"y\r\n" * room)
    assert status == "NO" and b"OVERQUOTA" in said[0], (status, said)
    client.append("INBOX", "", None, b"Subject: y\r\n\r\n" + b"y" * (room - 20) + b"\r\n")
    must_agree(mail, dovecot, folder)
    code, reply = refusal(mail.send, SENDER, "alice@example.test", text())
    assert (code, reply[:6]) == (452, b"4.2.2 "), reply
    # Either of the two makes room.
    client.store("2", "+FLAGS", "\\Deleted")
    client.expunge()
    client.logout()
    must_agree(mail, dovecot, folder)
    mail.send(SENDER, "alice@example.test", text())
    wait_for(lambda: files_of(folder)[0] == 6, 10, "room that Dovecot made")
    must_agree(mail, dovecot, folder)
    client = mail.pop()
    client.dele(1)
    client.quit()
    must_agree(mail, dovecot, folder)
    # A file that Dovecot has made is ours, too.
    os.unlink(f"{folder}/maildirsize")
    doveadm_quota(dovecot)
    recount = ["/usr/bin/doveadm", "-c", f"{dovecot.work}/dovecot.conf", "quota", "recalc", "-u", "alice"]
    subprocess.run(recount, check=True)
    wait_for(lambda: os.path.exists(f"{folder}/maildirsize"), 10, "Dovecot's maildirsize")
    inode = os.stat(f"{folder}/maildirsize").st_ino
    mail.send(SENDER, "alice@example.test", text())
    wait_for(lambda: files_of(folder)[0] == 6, 10, "6 messages")
    assert os.stat(f"{folder}/maildirsize").st_ino == inode, "we counted anew: we did not believe Dovecot's file"
    must_agree(mail, dovecot, folder)


class WithDovecot(peer_stories.Stories):
    script, packages = __file__, mail_peers.DOVECOT

    def test_l21_dovecot_and_we_keep_one_maildirsize(self):
        self.story("dovecot")


# Quotas of the kernel: a group of btrfs.

def with_kernel_quota(work):
    """Over the file system's quota: 4.2.2 by default, 5.2.2 by choice; nothing is left in a Maildir, and room makes it go on.

    btrfs refuses even to make a file shorter then, so that the beginning of a message stays in an mbox."""
    tools = os.path.join(mail_peers.STORE, "btrfs-progs")
    os.environ["PATH"] += f":{tools}/bin:{tools}/sbin"
    image, mounted = os.path.join(work, "image"), os.path.join(work, "disk")
    with open(image, "wb") as f:
        f.truncate(256 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    os.mkdir(mounted)
    subprocess.run(["mount", "-o", "loop", image, mounted], check=True)
    try:
        subprocess.run(["btrfs", "quota", "enable", mounted], check=True)
        subprocess.run(["btrfs", "subvolume", "create", f"{mounted}/boxes"], check=True, stdout=subprocess.DEVNULL)
        over_kernel_quota(f"{mounted}/boxes")
    finally:
        subprocess.run(["umount", mounted], check=True)


def over_kernel_quota(boxes):
    os.chown(boxes, 20001, 20001)
    with Instance(start=False) as mail:
        mail.set(virtual_mailbox_domains="v.test", virtual_mailbox_base=boxes,
                 virtual_mailbox_maps="inline:{ {kim@v.test=kim/}, {flat@v.test=flat} }",
                 virtual_uid_maps="static:20001", virtual_gid_maps="static:20001", message_size_limit="0",
                 virtual_mailbox_limit="0", mailbox_size_limit="0")
        mail.start()
        mail.send(SENDER, "kim@v.test", text())
        mail.send(SENDER, "flat@v.test", text())
        mail.wait_log(r"to=<kim@v\.test>.*status=sent")
        mail.wait_log(r"to=<flat@v\.test>.*status=sent")
        subprocess.run(["sync", "-f", boxes], check=True)
        subprocess.run(["btrfs", "qgroup", "limit", "4M", boxes], check=True)
        for user in ("kim", "flat"):
            mail.send(SENDER, f"{user}@v.test", text(8 << 20))
            mail.wait_log(rf"to=<{user}@v\.test>.*dsn=4\.2\.2, status=deferred \(.*Disk quota exceeded")
        assert len(os.listdir(f"{boxes}/kim/new")) == 1 and not os.listdir(f"{boxes}/kim/tmp")
        subprocess.run(["btrfs", "qgroup", "limit", "none", boxes], check=True)
        mail.flush()
        mail.wait_empty(60)
        assert len(os.listdir(f"{boxes}/kim/new")) == 2
        subprocess.run(["sync", "-f", boxes], check=True)
        subprocess.run(["btrfs", "qgroup", "limit", "24M", boxes], check=True)
        mail.set(virtual_overquota_bounce="yes")
        mail.reload()
        mail.send(SENDER, "kim@v.test", text(16 << 20))
        mail.wait_log(r"to=<kim@v\.test>.*dsn=5\.2\.2, status=bounced \(.*Disk quota exceeded", 60)


class KernelQuota(peer_stories.Stories):
    script, packages = __file__, ["btrfs-progs"]

    def test_l21_a_quota_of_the_file_system_is_told_as_ours(self):
        with open("/proc/filesystems") as f:
            if "btrfs" not in f.read():
                self.skipTest("this kernel has no btrfs")
        self.story("kernel")


if __name__ == "__main__":
    packages = mail_peers.DOVECOT if "dovecot" in sys.argv else KernelQuota.packages
    peer_stories.main({"dovecot": with_dovecot, "kernel": with_kernel_quota}, packages)
