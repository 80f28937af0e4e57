"""One log-in for everything: authd, its tools, and what attackers try with it."""

import base64
import os
import random
import subprocess
import threading
import time
import unittest

from auth_client import AuthSocket, Scram, encode, plain_message
from umaya_instance import BUILD, PATIENCE, Instance, wait_for

USERS = "# who may log in\nalice:{PLAIN}secret:::::: \nbob:{PLAIN}geheim\n"


class AuthInstance(Instance):
    """An instance whose authd has this password file; nothing is held back unless settings say so."""

    def __init__(self, users_file=USERS, files=(), **settings):
        super().__init__(start=False)
        for name, text in files:
            self.write(name, text)
        self.write("users", users_file)
        os.chmod(self.path("users"), 0o640)
        if os.geteuid() == 0:
            os.chown(self.path("users"), 0, 8)  # the group of mail_owner, which is mail here
        self.set(auth_failure_delay="0s", auth_passwd_file=self.path("users"))
        self.set(**settings)
        self.start(wait=False)
        wait_for(lambda: os.path.exists(self.socket), 20, "authd's socket is there")

    @property
    def socket(self):
        return self.queue_path("private", "auth")

    def connect(self, **options):
        return AuthSocket(self.socket, timeout=60 * PATIENCE, **options)


def decode(text):
    return base64.b64decode(text).decode()


class Protocol(unittest.TestCase):
    def test_mechanisms_are_those_that_the_passwords_can_serve(self):
        with AuthInstance(auth_mechanisms="plain login scram-sha-256-plus scram-sha-256 scram-sha-1 cram-md5") as mail:
            with mail.connect() as server:
                self.assertEqual(set(server.offered), {"PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256",
                                                       "SCRAM-SHA-1", "CRAM-MD5"})
                self.assertEqual(server.offered["PLAIN"], ["plaintext"])
            mail.umaya("user", "passwd", "bob", input="new\n", check=True)
            with mail.connect() as server:
                self.assertEqual(set(server.offered), {"PLAIN", "LOGIN"})
                self.assertEqual(server.plain("bob", "new")[0], "OK")

    def test_scram_proves_both_sides(self):
        with AuthInstance() as mail, mail.connect() as server:
            for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
                for password, result in (("secret", "OK"), ("wrong", "FAIL")):
                    client = Scram(mechanism, "alice", password)
                    number = server.start(mechanism, client.first(), **{"final-resp-ok": "1"})
                    challenge = server.line()
                    self.assertEqual(challenge[0], "CONT")
                    server.send("CONT", number, encode(client.final(decode(challenge[2]))))
                    answer = server.line()
                    self.assertEqual(answer[0], result)
                    if result == "OK":
                        self.assertTrue(client.is_proof(decode(answer[3].removeprefix("resp="))))

    def test_trouble_is_temporary_and_for_postfix_a_closed_connection(self):
        with AuthInstance() as mail:
            os.rename(mail.path("users"), mail.path("gone"))
            with mail.connect() as server:
                self.assertIn("code=temp_fail", server.plain("alice", "secret"))
            with mail.connect(minor=0) as server, self.assertRaises(EOFError):
                server.plain("alice", "secret")
            os.rename(mail.path("gone"), mail.path("users"))
            with mail.connect(minor=0) as server:
                self.assertEqual(server.plain("alice", "secret")[0], "OK")

    def test_s32_one_bad_exchange_does_not_hurt_others(self):
        with AuthInstance() as mail, mail.connect() as server:
            first = server.start("SCRAM-SHA-256")
            self.assertEqual(server.line(), ["CONT", first, ""])
            second = server.start("LOGIN")
            self.assertEqual(server.line()[:2], ["CONT", second])
            server.send("CONT", first, "!!!")
            self.assertEqual(server.line(), ["FAIL", first, "code=invalid_base64"])
            server.send("CANCEL", second)
            self.assertEqual(server.plain("alice", "secret")[0], "OK")
            for message in (b"", b"alice", b"\0\0", b"\0alice\0" + b"x" * 9000, b"\0a\0b\0c", b"\xff" * 64):
                number = server.start("PLAIN", message)
                self.assertEqual(server.line()[:2], ["FAIL", number])
            self.assertEqual(server.plain("alice", "secret")[0], "OK")

    def test_s32_clients_that_vanish_in_the_middle_leave_nothing(self):
        with AuthInstance() as mail, mail.connect() as server:
            pid = next(pid for pid, name in mail.daemons().items() if name == "authd")

            def descriptors():
                return len(os.listdir(f"/proc/{pid}/fd"))

            before = descriptors()
            for n in range(300):
                with mail.connect() as other:
                    other.start(("LOGIN", "SCRAM-SHA-256", "PLAIN")[n % 3])
                    if n % 2:
                        other.line()
                    if n % 5 == 0:
                        other.start("PLAIN", plain_message("alice", "wrong"))
            wait_for(lambda: descriptors() <= before + 1, 10, "authd has closed them all")
            self.assertEqual(server.plain("alice", "secret")[0], "OK")

    def test_passwords_come_from_tables_and_follow_their_changes(self):
        table = "carol@example.test {PLAIN}a:b userdb_home=/srv/carol\ndave@example.test {PLAIN}d\n"
        with AuthInstance(files=[("passwords", table)], auth_sources="passwd-file, tables",
                          auth_user_defaults="uid=5000 gid=5000 home=/vmail/%d/%n",
                          auth_password_maps="proxy:texthash:$config_directory/passwords") as mail:
            with mail.connect() as server:
                self.assertEqual(server.plain("alice", "secret")[0], "OK")
                self.assertEqual(server.plain("Carol@example.test", "a:b")[0], "OK")
                self.assertEqual(server.plain("carol@example.test", "a")[0], "FAIL")
                self.assertIn("home /srv/carol", mail.umaya("auth", "lookup", "carol@example.test").stdout)
                self.assertIn("home /vmail/example.test/dave", mail.umaya("auth", "lookup", "dave@example.test").stdout)
                time.sleep(1.1)  # tables are looked at once a second
                mail.write("passwords", "carol@example.test {PLAIN}new\n")
                wait_for(lambda: server.plain("carol@example.test", "new")[0] == "OK", 10, "the new password is right")
                self.assertEqual(server.plain("carol@example.test", "a:b")[0], "FAIL")
                self.assertEqual(server.plain("dave@example.test", "d")[0], "FAIL")


class Attacks(unittest.TestCase):
    def test_a11_wrong_passwords_of_one_address_wait_longer_and_longer(self):
        with AuthInstance(auth_failure_delay="1s", auth_failure_delay_limit="4s") as mail, mail.connect() as server:
            took = []
            for guess in ("a", "b", "c", "d"):
                start = time.monotonic()
                self.assertEqual(server.plain("alice", guess, rip="192.0.2.66")[0], "FAIL")
                took.append(round(time.monotonic() - start, 1))
            for expected, measured in zip((1, 2, 4, 4), took):
                self.assertGreaterEqual(measured, expected)
                self.assertLess(measured, expected + 0.5 * PATIENCE)
            # Who knows the password does not wait, from there or from elsewhere.
            for address in ("192.0.2.66", "192.0.2.67"):
                start = time.monotonic()
                self.assertEqual(server.plain("alice", "secret", rip=address)[0], "OK")
                self.assertLess(time.monotonic() - start, 0.5 * PATIENCE)

    def test_a11_postfix_which_waits_ten_seconds_gets_its_answer_in_time(self):
        with AuthInstance(auth_failure_delay="30s", auth_failure_delay_limit="30s") as mail:
            with mail.connect(minor=0) as server:
                start = time.monotonic()
                self.assertEqual(server.plain("alice", "wrong", rip="192.0.2.66")[0], "FAIL")
                self.assertGreater(time.monotonic() - start, 7.5)
                self.assertLess(time.monotonic() - start, 9.5)

    def test_a11_a_flood_of_guesses_is_bounded_and_locks_nobody_out(self):
        with AuthInstance(auth_failure_delay="1s", auth_failure_delay_limit="2s") as mail:
            with mail.connect() as server:
                self.assertEqual(server.plain("alice", "secret", rip="198.51.100.1")[0], "OK")
            outcomes = {"FAIL": 0, "temp": 0}
            stop = time.monotonic() + 4

            def guess(n):
                while time.monotonic() < stop:
                    with mail.connect() as server:
                        for i in range(10):
                            server.start("PLAIN", plain_message("alice", f"guess{n}-{i}-{random.random()}"),
                                         rip="198.51.100.1" if n % 2 else "203.0.113.5")
                        for _ in range(10):
                            answer = server.line()
                            outcomes["temp" if "code=temp_fail" in answer else answer[0]] += 1

            threads = [threading.Thread(target=guess, args=(n,)) for n in range(10)]
            for thread in threads:
                thread.start()
            slow = []
            with mail.connect() as server:
                while time.monotonic() < stop:
                    start = time.monotonic()
                    self.assertEqual(server.plain("alice", "secret", rip="198.51.100.1")[0], "OK")
                    slow.append(time.monotonic() - start)
                    time.sleep(0.05)
            for thread in threads:
                thread.join()
            self.assertGreater(outcomes["temp"], 0, outcomes)
            self.assertLess(max(slow), 1 * PATIENCE)

    def test_a12_a_thousand_log_ins_at_once_do_not_keep_others_waiting(self):
        hashed = subprocess.run([os.path.join(BUILD, "bin", "umaya"), "pw", "-s", "SHA512-CRYPT", "-r", "60000"],
                                input=b"secret\n", capture_output=True, check=True).stdout.decode().strip()
        with AuthInstance(f"alice:{hashed}\nvictim:{hashed}\n") as mail:
            flood = []
            for n in range(20):
                server = mail.connect()
                for i in range(50):
                    server.start("PLAIN", plain_message("victim", f"x{n}.{i}"), rip=f"203.0.113.{n % 4}")
                flood.append(server)
            waits = []
            with mail.connect() as server:
                for n in range(30):
                    start = time.monotonic()
                    answer = server.plain("alice", "secret", rip=f"192.0.2.{n + 1}", service=f"s{n}")
                    self.assertEqual(answer[0], "OK")
                    waits.append(time.monotonic() - start)
            answers = [server.line() for server in flood for _ in range(50)]
            for server in flood:
                server.close()
            self.assertEqual({answer[0] for answer in answers}, {"FAIL"})
            self.assertGreater(sum("code=temp_fail" in answer for answer in answers), 0)
            self.assertLess(sorted(waits)[-1], 3 * PATIENCE, waits)

    def test_a10_failures_look_alike(self):
        users = "alice:{SHA512-CRYPT}$6$x$abc\nreal:{PLAIN}x\noff:{PLAIN}x::::::nologin\nnone:*\n"
        with AuthInstance(users, auth_failure_delay="1s") as mail, mail.connect() as server:
            times = {}
            for n, user in enumerate(("real", "off", "none", "nobody", "..%u", "A" * 900)):
                start = time.monotonic()
                answer = server.plain(user, "wrong", rip=f"192.0.2.{n + 10}")
                times[user[:5]] = time.monotonic() - start
                self.assertEqual(answer[0], "FAIL")
                self.assertEqual([f for f in answer[2:] if not f.startswith("user=")], [])
            self.assertLess(max(times.values()) - min(times.values()), 0.05 * PATIENCE, times)

    def test_a13_a_changed_password_counts_at_once(self):
        with AuthInstance(auth_cache_ttl="1h") as mail, mail.connect() as server:
            mail.umaya("user", "passwd", "alice", input="first\n", check=True)
            self.assertEqual(server.plain("alice", "first")[0], "OK")
            self.assertEqual(server.plain("alice", "first")[0], "OK")
            self.assertEqual(server.plain("bob", "first")[0], "FAIL")
            mail.umaya("user", "passwd", "alice", input="second\n", check=True)
            self.assertEqual(server.plain("alice", "first")[0], "FAIL")
            self.assertEqual(server.plain("alice", "second")[0], "OK")
            mail.umaya("user", "delete", "alice", check=True)
            self.assertEqual(server.plain("alice", "second")[0], "FAIL")


class Tools(unittest.TestCase):
    def test_users_are_added_changed_and_removed_and_the_rest_of_the_file_stays(self):
        with AuthInstance() as mail:
            before = os.stat(mail.path("users"))
            self.assertEqual(mail.umaya("user", "list", check=True).stdout.split(), ["alice", "bob"])
            mail.umaya("user", "add", "carol@example.test", "uid=5000", "gid=5000", "home=/srv/carol", input="pw\n",
                       check=True)
            self.assertEqual(mail.umaya("auth", "test", "carol@example.test", input="pw\n").returncode, 0)
            self.assertEqual(mail.umaya("auth", "test", "carol@example.test", input="no\n").returncode, 1)
            found = mail.umaya("auth", "lookup", "Carol@example.test", check=True).stdout
            self.assertEqual(found.split(), ["user", "carol@example.test", "uid", "5000", "gid", "5000", "home",
                                             "/srv/carol"])
            self.assertEqual(mail.umaya("auth", "list", check=True).stdout.split(), ["alice", "bob", "carol@example.test"])
            again = mail.umaya("user", "add", "CAROL@example.test", input="pw\n")
            self.assertEqual(again.returncode, 1)
            self.assertIn("already", again.stderr)
            mail.umaya("user", "passwd", "carol@example.test", "-s", "SCRAM-SHA-256", input="other\n", check=True)
            self.assertEqual(mail.umaya("auth", "test", "carol@example.test", input="other\n").returncode, 0)
            mail.umaya("user", "delete", "carol@example.test", check=True)
            self.assertEqual(mail.umaya("auth", "lookup", "carol@example.test").returncode, 1)
            self.assertEqual(mail.read("users"), USERS)
            after = os.stat(mail.path("users"))
            self.assertEqual((after.st_mode, after.st_uid, after.st_gid), (before.st_mode, before.st_uid, before.st_gid))
            self.assertNotIn("{PLAIN}", mail.log())

    def test_many_changes_at_once_are_all_kept(self):
        with AuthInstance() as mail:
            names = [f"u{n}" for n in range(20)]
            threads = [threading.Thread(target=lambda n=n: mail.umaya("user", "add", n, "-s", "PLAIN", input="x\n",
                                                                      check=True)) for n in names]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(set(mail.umaya("user", "list").stdout.split()), {"alice", "bob", *names})

    def test_stored_passwords_are_made_and_tested(self):
        umaya = os.path.join(BUILD, "bin", "umaya")

        def pw(*arguments, text):
            return subprocess.run([umaya, "pw", *arguments], input=text.encode(), capture_output=True, text=False)

        schemes = pw("-l", text="").stdout.decode().split()
        for scheme in ("SHA512-CRYPT", "BLF-CRYPT", "ARGON2ID", "ARGON2I", "PBKDF2", "SCRAM-SHA-256", "SCRAM-SHA-1",
                       "SSHA512", "SSHA256", "SSHA", "SMD5", "PLAIN-MD5", "LDAP-MD5", "SHA256", "PLAIN", "YESCRYPT"):
            self.assertIn(scheme, schemes)
            made = pw("-s", scheme, text="wörd\n").stdout.decode().strip()
            self.assertTrue(made.startswith("{" + scheme + "}"), made)
            self.assertEqual(pw("-t", made, text="wörd\n").returncode, 0, made)
            self.assertEqual(pw("-t", made, text="word\n").returncode, 1, made)
        self.assertEqual(pw("-s", "NONSENSE", text="x\n").returncode, 1)

    def test_trouble_is_told_from_a_wrong_password(self):
        with AuthInstance() as mail:
            os.rename(mail.path("users"), mail.path("gone"))
            done = mail.umaya("auth", "test", "alice", input="secret\n")
            self.assertEqual(done.returncode, 75)
            self.assertIn("temporary", done.stdout)
            self.assertEqual(mail.umaya("auth", "lookup", "alice").returncode, 75)
            mail.stop()
            self.assertEqual(mail.umaya("auth", "test", "alice", input="secret\n").returncode, 75)

    def test_check_finds_what_keeps_people_out(self):
        with AuthInstance() as mail:
            def findings():
                return mail.umaya("check").stderr

            self.assertNotIn("auth_", findings())
            os.chmod(mail.path("users"), 0o644)
            self.assertIn("everybody can read the passwords", findings())
            if os.geteuid() == 0:
                os.chmod(mail.path("users"), 0o600)
                self.assertIn("authd runs as mail and cannot read it", findings())
            os.chmod(mail.path("users"), 0o640)
            mail.write("users", "alice:{NONSENSE}x\nbob:{MD5-CRYPT}$1$a$b\n../x:{PLAIN}y\n")
            found = findings()
            self.assertRegex(found, r"users:1: user alice: unknown password scheme")
            self.assertRegex(found, r"users:2: passwords of scheme MD5-CRYPT are quickly guessed")
            self.assertRegex(found, r"users:3: user name")
            mail.set(auth_sources="passwd-file, ldap", auth_mechanisms="plain, scram-sha-256, gssapi")
            mail.write("users", "alice:{SHA512-CRYPT}$6$a$b\n")
            found = findings()
            self.assertIn('"ldap" is unknown', found)
            self.assertIn('"gssapi" is unknown', found)
            self.assertIn("scram-sha-256 is not offered", found)
            os.remove(mail.path("users"))
            self.assertIn("umaya user add", findings())
            mail.set(auth_sources="tables", auth_mechanisms="plain")
            self.assertIn("set auth_password_maps", findings())


if __name__ == "__main__":
    unittest.main()
