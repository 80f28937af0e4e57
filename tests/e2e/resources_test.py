"""Full disks and missing descriptors: new mail gets 4xx, nothing is lost, recovery needs nobody."""

import os
import pwd
import resource
import smtplib
import subprocess
import tempfile
import unittest

from umaya_instance import Instance, wait_for


class SmallDisk:
    """A tmpfs of a few MiB on a directory; needs root."""

    def __init__(self, size="8m"):
        self.path = tempfile.mkdtemp(prefix="umaya-small-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", self.path], check=True)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=False)
        os.rmdir(self.path)


def file_text(path):
    with open(path, errors="replace") as f:
        return f.read()


def send_until_refused(mail, size, most=100):
    """Sends messages until one is refused; gives (accepted subjects, reply)."""
    accepted = []
    for i in range(most):
        with mail.smtp() as client:
            try:
                client.sendmail("alice@example.test", ["bob@example.test"], f"Subject: n{i}\n\n" + ("x" * 70 + "\n") * (size // 71))
                accepted.append(f"n{i}")
            except smtplib.SMTPResponseException as error:
                return accepted, (error.smtp_code, error.smtp_error)
            except smtplib.SMTPRecipientsRefused as error:
                return accepted, next(iter(error.recipients.values()))
    return accepted, None


@unittest.skipUnless(os.geteuid() == 0, "needs root (mounts a small file system)")
class FullDisk(unittest.TestCase):
    def test_promise_5_Q7_a_full_disk_is_452_and_everything_accepted_arrives_later(self):
        with SmallDisk() as disk:
            mail = Instance(directory=disk, main_cf={"message_size_limit": "1000000", "maillog_file": "/tmp/umaya-full.log",
                                                     "defer_transports": "local"})
            mail.log = lambda: open("/tmp/umaya-full.log", errors="replace").read()
            try:
                accepted, reply = send_until_refused(mail, 300000)
                self.assertTrue(accepted)
                self.assertIsNotNone(reply, "the disk was never full")
                self.assertIn(reply[0], (451, 452), reply)
                self.assertTrue(reply[1].startswith(b"4."), reply)
                ballast = [p for p in (os.path.join(disk, "ballast"),) if os.path.exists(p)]
                self.assertEqual(ballast, [])
                subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                mail.set(defer_transports="")
                mail.reload()
                mail.flush()
                got = {m["Subject"] for m in mail.wait_mail("bob", len(accepted), 30)}
                self.assertEqual(got, set(accepted))
                mail.send("alice@example.test", "bob@example.test", "Subject: after\n\nx\n")
                mail.wait_mail("bob", len(accepted) + 1)
            finally:
                mail.stop()
                os.unlink("/tmp/umaya-full.log")

    def test_sendmail_on_a_full_disk_is_75(self):
        with SmallDisk() as disk:
            mail = Instance(directory=disk, start=False, main_cf={"maillog_file": "/dev/null"})
            with open(os.path.join(disk, "ballast"), "wb") as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                        f.flush()
                except OSError:
                    pass
            done = mail.sendmail("bob", input="Subject: x\n\n" + "x" * 20000)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertEqual(mail.queued(), {})


    def test_S28_below_the_least_free_space_mail_is_refused_and_posted_mail_waits(self):
        log = tempfile.NamedTemporaryFile(prefix="umaya-space-", suffix=".log")
        os.chmod(log.name, 0o666)
        with SmallDisk() as disk:
            mail = Instance(directory=disk, main_cf={"maillog_file": log.name, "queue_minfree": "20000000",
                                                     "notify_classes": ""})
            mail.log = lambda: file_text(log.name)
            try:
                with mail.smtp() as client:
                    client.ehlo()
                    self.assertEqual(client.mail("alice@example.test"), (452, b"4.3.1 Insufficient system storage"))
                self.assertEqual(mail.sendmail("bob", input="Subject: posted\n\nx\n").returncode, 0)
                mail.wait_log("below queue_minfree")
                self.assertEqual(list(mail.queued()), ["maildrop"])
                subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                wait_for(lambda: try_send(mail), 10, "mail is taken again")
                mail.sendmail("bob", input="Subject: later\n\nx\n")  # wakes pickup
                self.assertEqual({m["Subject"] for m in mail.wait_mail("bob", 3, 90)}, {"posted", "later", "x"})
            finally:
                mail.stop()
        log.close()

    def test_Q7_a_disk_that_fills_during_the_message_leaves_no_part_of_it(self):
        log = tempfile.NamedTemporaryFile(prefix="umaya-space-", suffix=".log")
        os.chmod(log.name, 0o666)
        with SmallDisk() as disk:
            mail = Instance(directory=disk, main_cf={"maillog_file": log.name, "message_size_limit": "2000000"})
            mail.log = lambda: file_text(log.name)
            try:
                with mail.smtp() as client:
                    client.ehlo()
                    self.assertEqual(client.mail("alice@example.test")[0], 250)
                    self.assertEqual(client.rcpt("bob@example.test")[0], 250)
                    left = os.statvfs(disk)
                    with open(os.path.join(disk, "ballast"), "wb") as ballast:
                        ballast.write(b"x" * (left.f_bavail * left.f_frsize - 600000))
                    code, text = client.data(("x" * 70 + "\n") * 20000)
                    self.assertEqual((code, text), (452, b"4.3.1 Insufficient system storage"))
                    self.assertEqual(mail.queued(), {})
                    os.unlink(os.path.join(disk, "ballast"))
                    self.assertEqual(client.mail("alice@example.test")[0], 250)
                    self.assertEqual(client.rcpt("bob@example.test")[0], 250)
                    self.assertEqual(client.data("Subject: room\n\n" + ("x" * 70 + "\n") * 20000)[0], 250)
                self.assertEqual(mail.wait_mail("bob")[0]["Subject"], "room")
            finally:
                mail.stop()
        log.close()


@unittest.skipUnless(os.geteuid() == 0, "needs root (mounts a small file system)")
class FullMailboxes(unittest.TestCase):
    def test_L21_mail_for_a_full_disk_waits_and_arrives_when_there_is_room(self):
        with SmallDisk("256k") as disk, Instance(users=["kim"], start=False) as mail:
            owner = pwd.getpwnam("nobody")
            os.chown(disk, owner.pw_uid, owner.pw_gid)
            mail.set(virtual_mailbox_domains="v.test", virtual_mailbox_base=disk, virtual_minimum_uid="1",
                     virtual_mailbox_maps="inline:{ann@v.test=ann/, bob@v.test=bob.mbox}",
                     virtual_uid_maps=f"static:{owner.pw_uid}", virtual_gid_maps=f"static:{owner.pw_gid}")
            mail.start()
            text = "Subject: large\n\n" + ("x" * 70 + "\n") * 5000
            mail.send("sender@example.test", ["ann@v.test", "bob@v.test"], text)
            for user in ("ann", "bob"):
                mail.wait_log(rf"to=<{user}@v\.test>, relay=virtual, .*dsn=4\.3\.1, status=deferred \(.*No space left")
            self.assertEqual(os.listdir(os.path.join(disk, "ann", "new")), [])
            self.assertEqual(os.listdir(os.path.join(disk, "ann", "tmp")), [])
            self.assertEqual(os.path.getsize(os.path.join(disk, "bob.mbox")), 0)
            subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
            mail.flush()
            mail.wait_empty()
            self.assertEqual(len(os.listdir(os.path.join(disk, "ann", "new"))), 1)
            with open(os.path.join(disk, "bob.mbox")) as mbox:
                self.assertEqual(mbox.read().count("Subject: large"), 1)


class NoDescriptors(unittest.TestCase):
    def test_promise_5_Q8_with_few_descriptors_mail_is_delayed_but_not_lost(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, hard))
            mail = Instance()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with mail:
            clients = []
            for _ in range(60):
                try:
                    clients.append(smtplib.SMTP("127.0.0.1", mail.port, timeout=0.5))
                except OSError:
                    break
            for client in clients:
                client.close()
            wait_for(lambda: try_send(mail), 20, "mail is taken again")
            mail.wait_mail("bob")
            mail.wait_empty()


def try_send(mail):
    try:
        mail.send("alice@example.test", "bob@example.test", "Subject: x\n\nx\n")
        return True
    except (OSError, smtplib.SMTPException):
        return False


if __name__ == "__main__":
    unittest.main()
