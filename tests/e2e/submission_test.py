"""Users' mail programs send mail: log-in over SMTP, who may use which sender address, POP-before-SMTP.

Passwords are authd's, and in one story Debian's Dovecot's. The mail programs are Debian's, unpacked beside the build.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import poplib
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import peer_stories
from mail_peers import DOVECOT_MECHANISMS, DovecotPasswords, sandbox
from tls_peer import Authority, Client, any_context
from umaya_instance import BUILD, PATIENCE, Instance, free_port, wait_for

USERS = "alice:{PLAIN}wonder land\nbob:{PLAIN}builder\n"
PASSWORD = "wonder land"
FAR = "somebody@far.test"
# What is commented out in Postfix's own master.cf, whole; mua_… are empty as they are there.
STOCK = """
  -o syslog_name=postfix/{name}
{tls}  -o smtpd_sasl_auth_enable=yes
  -o local_header_rewrite_clients=static:all
  -o smtpd_hide_client_session=yes
  -o smtpd_reject_unlisted_recipient=no
  -o smtpd_client_restrictions=$mua_client_restrictions
  -o smtpd_helo_restrictions=$mua_helo_restrictions
  -o smtpd_sender_restrictions=$mua_sender_restrictions
  -o smtpd_recipient_restrictions=
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=ORIGINATING
"""


STARTTLS = "  -o smtpd_tls_security_level=encrypt\n  -o smtpd_tls_auth_only=yes\n"
WRAPPED = "  -o smtpd_tls_wrappermode=yes\n"


def unverified():
    """Any certificate will do: an instance makes its own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Submitting(Instance):
    submission_port, starttls = 0, False

    def submit(self, encrypt=True):
        """A session on the submission port; with STARTTLS where that is asked for."""
        client = smtplib.SMTP("127.0.0.1", self.submission_port, local_hostname="client.test", timeout=60 * PATIENCE)
        client.ehlo()
        if self.starttls and encrypt:
            client.starttls(context=unverified())
            client.ehlo()
        return client

    def offered(self):
        with self.submit() as client:
            return client.esmtp_features.get("auth", "").split()

    def far_mail(self):
        """Envelope senders of what waits for the far host."""
        return [m["sender"] for m in self.mailq() if any(r["address"] == FAR for r in m["recipients"])]

    def wait_far_mail(self, sender, count=1):
        wait_for(lambda: self.far_mail().count(sender) >= count, 15, f"{count} messages of {sender} for {FAR}")


class SubmissionInstance(Submitting):
    """Users that may log in, and both submission services; what goes to far.test waits in the queue."""

    starttls = True

    def __init__(self, users_file=USERS, main_cf=None, **options):
        self.submission_port, self.submissions_port, self.pop_port = free_port(), free_port(), free_port()
        master = (f"127.0.0.1:{self.submission_port} inet n - n - - smtpd" + STOCK.format(name="submission", tls=STARTTLS) +
                  f"127.0.0.1:{self.submissions_port} inet n - n - - smtpd" + STOCK.format(name="submissions", tls=WRAPPED) +
                  f"127.0.0.1:{self.pop_port} inet n - n - - pop3d\nauth unix - - n - 0 authd\n")
        settings = {"auth_failure_delay": "0s", "defer_transports": "smtp", "mynetworks": "192.0.2.0/24", **(main_cf or {})}
        super().__init__(start=False, main_cf=settings, master_cf=master, **options)
        self.write("users", users_file)
        os.chmod(self.path("users"), 0o644)
        self.set(auth_passwd_file=self.path("users"))
        self.start()

    def submit_wrapped(self):
        """A session on the port where TLS begins at once."""
        client = smtplib.SMTP_SSL("127.0.0.1", self.submissions_port, local_hostname="client.test",
                                  timeout=60 * PATIENCE, context=unverified())
        client.ehlo()
        return client


def try_mechanism(client, mechanism, user, password):
    """smtplib's own way to log in, with one mechanism."""
    client.user, client.password = user, password
    method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login, "CRAM-MD5": client.auth_cram_md5}[mechanism]
    return client.auth(mechanism, method)


class LoggingIn(unittest.TestCase):
    def test_postfix_lines_for_submission_work_as_they_are(self):
        with SubmissionInstance() as mail:
            self.assertIn("PLAIN", mail.offered())
            with mail.submit() as client:
                code, text = client.mail("alice@example.test")
                self.assertEqual(code, 250)
                code, text = client.rcpt(FAR)
                self.assertEqual((code, text), (554, b"5.7.1 <somebody@far.test>: Recipient address rejected: Access denied"))
                client.rset()
                self.assertEqual(client.login("alice", PASSWORD)[0], 235)
                client.sendmail("alice@example.test", [FAR, "bob@example.test"], "Subject: sent\n\nbody\n")
            message = mail.wait_mail("bob")[0]
            received = message.get_all("Received")[-1]
            self.assertIn("with ESMTPSA id", received)
            self.assertNotIn("client.test", received)  # smtpd_hide_client_session
            self.assertEqual(message["From"], "alice@example.test")  # local_header_rewrite_clients=static:all
            mail.wait_far_mail("alice@example.test")
            mail.wait_log(r"submission/smtpd\[\d+\]: [0-9A-F]+: client=\S+\[127\.0\.0\.1\], sasl_method=\S+, "
                          r"sasl_username=alice")
            mail.wait_log(r"disconnect from \S+ ehlo=2 starttls=1 auth=1 mail=2 rcpt=2/3 data=1 rset=1 quit=1 commands=")

    def test_postfix_lines_for_submissions_work_as_they_are(self):
        with SubmissionInstance() as mail:
            with mail.submit_wrapped() as client:
                self.assertNotIn("starttls", client.esmtp_features)
                self.assertEqual(client.login("bob", "builder")[0], 235)
                client.sendmail("bob@example.test", [FAR, "alice@example.test"], "Subject: sent\n\nbody\n")
            self.assertIn("with ESMTPSA id", mail.wait_mail("alice")[0].get_all("Received")[-1])
            mail.wait_far_mail("bob@example.test")
            mail.wait_log(r"submissions/smtpd\[\d+\]: [0-9A-F]+: client=\S+, sasl_method=\S+, sasl_username=bob")

    def test_s6_without_encryption_there_is_no_log_in_on_the_submission_port(self):
        with SubmissionInstance() as mail:
            with mail.submit(encrypt=False) as client:
                self.assertNotIn("auth", client.esmtp_features)
                self.assertIn("starttls", client.esmtp_features)
                for command in ("AUTH PLAIN AGFsaWNlAHdvbmRlciBsYW5k", "MAIL FROM:<alice@example.test>", "VRFY bob"):
                    self.assertEqual(client.docmd(command)[0], 530, command)
                client.starttls(context=unverified())
                client.ehlo()
                self.assertEqual(client.docmd("STARTTLS")[0], 554)
                self.assertEqual(client.login("alice", PASSWORD)[0], 235)
            # Where encryption is offered but not demanded, smtpd_tls_auth_only keeps passwords from being sent readable.
            mail.set(smtpd_sasl_auth_enable="yes", smtpd_tls_auth_only="yes")
            mail.reload()

            def asks_for_encryption():
                with mail.smtp() as client:
                    client.ehlo()
                    self.assertNotIn("auth", client.esmtp_features)
                    return client.docmd("AUTH PLAIN AGFsaWNlAHdvbmRlciBsYW5k") == (
                        538, b"5.7.11 Encryption required for requested authentication mechanism")
            wait_for(asks_for_encryption, 15, "538")
            self.assertNotIn("AGFsaWNl", mail.log())

    def test_s5_starttls_forgets_who_has_logged_in(self):
        with SubmissionInstance() as mail:
            mail.set(smtpd_sasl_auth_enable="yes", smtpd_relay_restrictions="permit_sasl_authenticated, reject")
            mail.reload()

            def logged_in():
                with mail.smtp() as client:
                    client.ehlo()
                    if "auth" not in client.esmtp_features:
                        return False
                    client.login("alice", PASSWORD)
                    client.starttls(context=unverified())
                    client.ehlo()
                    client.mail("alice@example.test")
                    self.assertEqual(client.rcpt(FAR)[0], 554)
                    return True
            wait_for(logged_in, 15, "AUTH on the first port")

    def test_every_mechanism_that_is_offered_logs_in(self):
        with SubmissionInstance() as mail:
            offered = mail.offered()
            self.assertTrue({"PLAIN", "LOGIN"} <= set(offered), offered)
            for mechanism in {"PLAIN", "LOGIN", "CRAM-MD5"} & set(offered):
                with mail.submit() as client:
                    self.assertEqual(try_mechanism(client, mechanism, "alice", PASSWORD)[0], 235, mechanism)
                with mail.submit() as client, self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                    try_mechanism(client, mechanism, "alice", "wrong")
                self.assertEqual(refused.exception.smtp_code, 535)
                self.assertTrue(refused.exception.smtp_error.startswith(b"5.7.8 Error: authentication failed"))

    def test_s32_a_password_is_in_no_log(self):
        secrets = [PASSWORD, base64.b64encode(b"\0alice\0" + PASSWORD.encode()).decode(),
                   base64.b64encode(PASSWORD.encode()).decode(), "wr0ng", base64.b64encode(b"\0alice\0wr0ng").decode()]
        with SubmissionInstance(main_cf={"notify_classes": "protocol, policy, resource, software"}) as mail:
            with mail.submit() as client:
                client.docmd("AUTH", "PLAIN " + secrets[4])
                client.docmd("AUTH", "LOGIN")
                client.docmd(base64.b64encode(b"alice").decode())
                client.docmd("*")
                client.docmd("AUTH", "SECRET")
                client.docmd(secrets[2])
                client.docmd("AUTH", "PLAIN " + secrets[1])
            mail.wait_log(r"SASL PLAIN authentication failed: \(reason unavailable\), sasl_username=alice")
            mail.wait_log("SASL LOGIN authentication aborted")
            wait_for(lambda: any("bounce" in m or "double-bounce" in m for m in mail.log().splitlines()), 15, "the notice")
            texts = mail.log()
            for root, _, names in os.walk(mail.queue_path()):
                for name in names:
                    with contextlib.suppress(OSError), open(os.path.join(root, name), errors="replace") as f:
                        texts += f.read()
            for user in ("alice", "bob"):
                texts += "".join(raw.decode(errors="replace") for raw in mail.raw_mail(user))
            self.assertIn("[not shown]", texts)  # the transcript for postmaster is among them
            for secret in secrets:
                self.assertNotIn(secret, texts)

    def test_s32_guessing_in_one_session_ends_it(self):
        with SubmissionInstance(main_cf={"smtpd_hard_error_limit": "4", "smtpd_soft_error_limit": "2",
                                         "smtpd_error_sleep_time": "1s"}) as mail:
            before = time.monotonic()
            with mail.submit() as client:
                replies = [client.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0alice\0guess").decode())[0]
                           for _ in range(4)]
                self.assertEqual(replies, [535] * 4)
                self.assertEqual(client.getreply()[0], 421)
            self.assertGreater(time.monotonic() - before, 3)
            mail.wait_log("too many errors after AUTH from")
            with mail.submit() as client:
                self.assertEqual(client.login("alice", PASSWORD)[0], 235)

    def test_s32_a_client_that_goes_away_in_the_middle_hurts_nobody(self):
        with SubmissionInstance() as mail:
            for last in (b"AUTH LOGIN\r\n", b"AUTH PLAIN\r\nAGFs", b"AUTH PLAIN AGF"):
                with socket.create_connection(("127.0.0.1", mail.submissions_port)) as plain, \
                        unverified().wrap_socket(plain) as s:
                    s.recv(4096)
                    s.sendall(b"EHLO x\r\n")
                    wait_for(lambda: b"CHUNKING" in s.recv(4096), 10, "EHLO is answered")
                    s.sendall(last)
            with mail.submit() as client:
                self.assertEqual(client.login("bob", "builder")[0], 235)

    def test_a_rate_of_log_ins_is_held(self):
        with SubmissionInstance(main_cf={"smtpd_client_auth_rate_limit": "2"}) as mail:
            for _ in range(2):
                with mail.submit() as client:
                    client.login("alice", PASSWORD)
            with mail.submit() as client, self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                client.login("alice", PASSWORD)
            self.assertEqual(refused.exception.smtp_code, 450)
            self.assertIn(b"too many AUTH commands from 127.0.0.1", refused.exception.smtp_error)

    def test_without_authd_a_log_in_fails_for_the_time_being(self):
        with SubmissionInstance() as mail:
            mail.offered()
            mail.edit_master("", without=("auth",))
            mail.reload()

            def trouble():
                try:
                    client = mail.submit()
                except ssl.SSLError:  # the processes change while this asks
                    return False
                with client:
                    self.assertIn("PLAIN", client.esmtp_features["auth"])
                    try:
                        client.login("alice", PASSWORD)
                        return False
                    except smtplib.SMTPAuthenticationError as error:
                        self.assertEqual(error.smtp_code, 454)
                        return True
            wait_for(trouble, 15, "454 without authd")
            mail.wait_log("authentication failed: Connection lost to authentication server")

    def test_port_25_offers_no_log_in_and_takes_mail_for_us_only(self):
        with SubmissionInstance() as mail:
            with mail.smtp() as client:
                client.ehlo()
                self.assertNotIn("auth", client.esmtp_features)
                self.assertEqual(client.docmd("AUTH", "PLAIN AGFsaWNlAHdvbmRlciBsYW5k")[0], 503)
                client.mail("alice@example.test")
                self.assertIn(client.rcpt(FAR)[0], (454, 554))
                self.assertEqual(client.rcpt("bob@example.test")[0], 250)


def open_port(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class BoundLine:
    """OpenSSL's own client, which tells what binds the connection (RFC 9266), with an SMTP dialogue through it."""

    GREETING = "220 "

    def __init__(self, port):
        self.client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", "-crlf",
                                        "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.client.stdout:
            if line.startswith("    Keying material: "):
                self.binding = bytes.fromhex(line.split(": ")[1])
            if line.startswith(self.GREETING):
                break

    def say(self, line):
        self.client.stdin.write(line + "\n")
        self.client.stdin.flush()
        for reply in self.client.stdout:
            if reply[3:4] == " " and reply[:3].isdigit():
                return int(reply[:3]), reply[4:].strip()
        raise AssertionError("the line is dead")

    def log_in(self, user, password, binding):
        """SCRAM-SHA-256-PLUS (RFC 5802, 7677)."""
        bare = f"n={user},r=clientnonce"
        code, text = self.say("AUTH SCRAM-SHA-256-PLUS " + base64.b64encode(b"p=tls-exporter,," + bare.encode()).decode())
        if code != 334:
            return code
        first = base64.b64decode(text).decode()
        given = dict(part.split("=", 1) for part in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(given["s"]), int(given["i"]))
        channel = base64.b64encode(b"p=tls-exporter,," + binding).decode()
        last = f"c={channel},r={given['r']}"
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{first},{last}".encode(), "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        code, text = self.say(base64.b64encode(f"{last},p={proof}".encode()).decode())
        return self.say("")[0] if code == 334 else code

    def close(self):
        self.client.kill()
        self.client.wait()
        self.client.stdin.close()
        self.client.stdout.close()


class BoundPop(BoundLine):
    GREETING = "+OK"

    def say(self, line):
        self.client.stdin.write(line + "\n")
        self.client.stdin.flush()
        reply = self.client.stdout.readline()
        return {"+O": 235, "+ ": 334}.get(reply[:2], 535), reply[2:].strip()


class ChannelBinding(unittest.TestCase):
    def test_pop3_over_tls_is_bound_as_well(self):
        port = free_port()
        with SubmissionInstance(users_file="alice:{PLAIN}wonderland\n") as mail:
            mail.edit_master(f"127.0.0.1:{port} inet n - n - - pop3d\n  -o pop3_tls_wrappermode=yes\n")
            mail.reload()
            wait_for(lambda: open_port(port), 15, "the port with TLS at once")
            for ours, expected in ((True, 235), (False, 535)):
                line = BoundPop(port)
                self.addCleanup(line.close)
                other = bytes([line.binding[0] ^ 1]) + line.binding[1:]
                self.assertEqual(line.log_in("alice", "wonderland", line.binding if ours else other), expected)

    def test_a_log_in_is_bound_to_the_line_it_is_made_on(self):
        with SubmissionInstance(users_file="alice:{PLAIN}wonderland\n") as mail:
            self.assertIn("SCRAM-SHA-256-PLUS", mail.offered())
            for ours, password, expected in ((True, "wonderland", 235), (True, "wrong", 535), (False, "wonderland", 535)):
                line = BoundLine(mail.submissions_port)
                self.addCleanup(line.close)
                self.assertEqual(line.say("EHLO client.test")[0], 250)
                other = bytes([line.binding[0] ^ 1]) + line.binding[1:]
                self.assertEqual(line.log_in("alice", password, line.binding if ours else other), expected)
            mail.wait_log("SASL SCRAM-SHA-256-PLUS authentication failed")


class ClientCertificates(unittest.TestCase):
    """SASL EXTERNAL (RFC 4422 A): the certificate of the mail program says who sends."""

    def test_a_trusted_certificate_logs_its_user_in_and_nobody_else(self):
        folder = tempfile.mkdtemp(prefix="umaya-e2e-")
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        ca, stranger = Authority(folder + "/ca"), Authority(folder + "/stranger", "Some Authority")
        settings = {"smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": ca.certificate, "auth_mechanisms": "plain, external",
                    "smtpd_sasl_mechanism_filter": "plain, external",  # Postfix's default leaves it out
                    "smtpd_sender_restrictions": "reject_sender_login_mismatch",
                    "smtpd_sender_login_maps": "inline:{alice@example.test=alice, bob@example.test=bob}",
                    "mua_sender_restrictions": "reject_sender_login_mismatch"}
        with SubmissionInstance(main_cf=settings) as mail:
            for chain, wanted, answer in ((ca.issue("alice"), "=", "235"), (ca.issue("alice"), "Ym9i", "535"),
                                          (ca.issue("mallory"), "=", "535"), (stranger.issue("alice"), "=", "504")):
                context = any_context()
                context.load_cert_chain(chain)
                with Client(mail.submissions_port, wrapped=True, context=context) as client:
                    offer = next(line for line in client.command("EHLO client.test") if "AUTH" in line)
                    self.assertEqual("EXTERNAL" in offer, chain.startswith(ca.folder), offer)
                    self.assertEqual(client.command(f"AUTH EXTERNAL {wanted}")[0][:3], answer)
                    if answer == "235":
                        self.assertEqual(client.message("alice@example.test", FAR)[-1][:3], "250")
                        self.assertEqual(client.message("bob@example.test", FAR)[2][:3], "553")
            mail.wait_far_mail("alice@example.test")
            self.assertEqual(mail.far_mail(), ["alice@example.test"])


class Senders(unittest.TestCase):
    TABLE = "inline:{ { alice@example.test = alice }, { bob@example.test = bob }, { sales@example.test = alice bob } }"

    def reply(self, mail, user, password, sender):
        with mail.submit() as client:
            if user:
                client.login(user, password)
            client.mail(sender)
            return client.rcpt("bob@example.test")[0]

    def test_users_use_their_own_addresses(self):
        own = "reject_sender_login_mismatch"
        with SubmissionInstance(main_cf={"smtpd_sender_login_maps": self.TABLE, "mua_sender_restrictions": own}) as mail:
            table = [("alice", PASSWORD, "alice@example.test", 250), ("alice", PASSWORD, "bob@example.test", 553),
                     ("alice", PASSWORD, "alice+tag@example.test", 250 if "+" in mail.read("main.cf") else 553),
                     ("bob", "builder", "bob@example.test", 250), ("bob", "builder", "sales@example.test", 250),
                     ("alice", PASSWORD, "sales@example.test", 250), ("bob", "builder", "nobody@elsewhere.test", 553),
                     (None, None, "alice@example.test", 553), ("alice", PASSWORD, "", 250)]
            for user, password, sender, code in table:
                self.assertEqual(self.reply(mail, user, password, sender), code, (user, sender))
            mail.wait_log(r"553 5\.7\.1 <bob@example\.test>: Sender address rejected: not owned by user alice; "
                          r"from=<bob@example\.test> to=<bob@example\.test> proto=ESMTP helo=<client\.test> "
                          r"sasl_method=\S+ sasl_username=alice")


class PopBeforeSmtp(unittest.TestCase):
    SETTINGS = {"pop_before_smtp_enable": "yes", "pop_before_smtp_time": "1h",
                "smtpd_relay_restrictions": "permit_pop_before_smtp, reject_unauth_destination"}

    def relays(self, mail):
        with mail.smtp() as client:
            client.ehlo()
            client.mail("alice@example.test")
            return client.rcpt(FAR)[0]

    def log_in(self, mail, password=PASSWORD):
        client = poplib.POP3("127.0.0.1", mail.pop_port, timeout=30 * PATIENCE)
        try:
            client.user("alice")
            client.pass_(password)
            client.quit()
        finally:
            client.close()

    def test_a_log_in_lets_its_address_relay_over_reloads_until_the_time_is_over(self):
        with SubmissionInstance(main_cf=self.SETTINGS) as mail:
            self.assertEqual(self.relays(mail), 554)
            with self.assertRaises(poplib.error_proto):
                self.log_in(mail, "wrong")
            self.assertEqual(self.relays(mail), 554)
            self.log_in(mail)
            wait_for(lambda: self.relays(mail) == 250, 10, "the address may relay")
            mail.reload()
            mail.wait_log("reload --")
            time.sleep(1)
            self.assertEqual(self.relays(mail), 250)
            self.log_in(mail)
            mail.set(pop_before_smtp_time="1s")
            mail.reload()
            wait_for(lambda: self.relays(mail) == 554, 20, "the time is over")

    def test_it_is_off_by_default(self):
        with SubmissionInstance(main_cf={"smtpd_relay_restrictions": self.SETTINGS["smtpd_relay_restrictions"]}) as mail:
            self.log_in(mail)
            time.sleep(0.3)
            self.assertEqual(self.relays(mail), 554)

    def test_without_anvil_nothing_is_refused_for_good(self):
        with SubmissionInstance(main_cf=self.SETTINGS, without=("anvil",)) as mail:
            self.assertEqual(self.relays(mail), 450)


PROGRAMS = ["swaks", "curl", "libnet-ssleay-perl", "msmtp", "mutt"]


class MailPrograms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.roots = dict(zip(PROGRAMS, sandbox.download(PROGRAMS, os.path.join(BUILD, "peers"))))
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the mail programs cannot be fetched: {error}") from error
        triplets = ("x86_64-linux-gnu", "aarch64-linux-gnu")
        perl = [os.path.join(cls.roots["libnet-ssleay-perl"], "usr/lib", t, "perl5/5.36") for t in triplets]
        cls.environment = dict(os.environ, TERM="xterm", LD_LIBRARY_PATH=sandbox.library_path(cls.roots.values()),
                               PERL5LIB=":".join(p for p in perl if os.path.isdir(p)))

    def setUp(self):
        self.mail = SubmissionInstance(users_file="alice:{PLAIN}wonderland\n")
        self.addCleanup(self.mail.close)

    def run_program(self, package, *arguments, text="Subject: x\n\nbody\n", **variables):
        path = os.path.join(self.roots[package], "usr/bin", package) if package in self.roots else package
        return subprocess.run([path, *arguments], env=dict(self.environment, **variables), input=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False)

    def mechanisms(self, known):
        found = [m for m in known if m in self.mail.offered()]
        self.assertIn("PLAIN", found)
        return found

    def arrived(self, done, mechanism, count):
        self.assertEqual(done.returncode, 0, f"{mechanism}: {done.stdout}")
        self.mail.wait_far_mail("alice@example.test", count)
        self.mail.wait_log(f"sasl_method={mechanism}, sasl_username=alice")

    def test_swaks(self):
        for count, mechanism in enumerate(self.mechanisms(["PLAIN", "LOGIN", "CRAM-MD5"]), 1):
            common = ["--server", f"127.0.0.1:{self.mail.submission_port}", "--from", "alice@example.test", "--to", FAR,
                      "--helo", "client.test", "--tls", "--auth", mechanism, "--auth-user", "alice"]
            self.arrived(self.run_program("swaks", *common, "--auth-password", "wonderland"), mechanism, count)
            refused = self.run_program("swaks", *common, "--auth-password", "looking-glass")
            self.assertEqual(refused.returncode, 28, refused.stdout)

    def test_curl(self):
        for count, mechanism in enumerate(self.mechanisms(["PLAIN", "LOGIN", "CRAM-MD5"]), 1):
            common = ["-sSk", "--ssl-reqd", "--login-options", f"AUTH={mechanism}", "--mail-from", "alice@example.test",
                      "--mail-rcpt", FAR, "-T", "-"]
            starttls = f"smtp://127.0.0.1:{self.mail.submission_port}/client.test"
            wrapped = f"smtps://127.0.0.1:{self.mail.submissions_port}/client.test"
            for url, copies in ((starttls, 2 * count - 1), (wrapped, 2 * count)):
                self.arrived(self.run_program("curl", *common, url, "-u", "alice:wonderland"), mechanism, copies)
            self.assertEqual(self.run_program("curl", *common, starttls, "-u", "alice:wrong").returncode, 67)

    def test_msmtp(self):
        known = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
        for count, mechanism in enumerate(self.mechanisms(known), 1):
            for port, starttls, copies in ((self.mail.submission_port, "on", 2 * count - 1),
                                           (self.mail.submissions_port, "off", 2 * count)):
                done = self.run_program("msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={port}",
                                        f"--auth={mechanism.lower()}", "--user=alice", "--passwordeval=echo wonderland",
                                        "--tls=on", f"--tls-starttls={starttls}", "--tls-certcheck=off",
                                        "--from=alice@example.test", FAR)
                self.arrived(done, mechanism, copies)

    def test_mutt(self):
        trusted = self.mail.path("trusted.pem")
        with open(trusted, "w") as f:
            f.write(ssl.get_server_certificate(("127.0.0.1", self.mail.submissions_port)))
        for count, mechanism in enumerate(self.mechanisms(["PLAIN", "LOGIN", "CRAM-MD5"]), 1):
            self.mail.write("muttrc", f'set smtp_url="smtps://alice@127.0.0.1:{self.mail.submissions_port}/"\n'
                                      f'set smtp_pass="wonderland"\nset smtp_authenticators="{mechanism.lower()}"\n'
                                      f'set certificate_file="{trusted}"\nset ssl_verify_host=no\n'
                                      "set ssl_force_tls=yes\nset from=alice@example.test\n"
                                      "set use_from=yes\nset use_envelope_from=yes\nset copy=no\n")
            done = self.run_program("mutt", "-n", "-F", self.mail.path("muttrc"), "-s", "from mutt", FAR, text="body\n",
                                    HOME=self.mail.config)
            self.arrived(done, mechanism, count)


STORY_PACKAGES = ["dovecot-core", "msmtp"]


def ask_dovecot(work):
    """Our smtpd, Dovecot's passwords: through its Unix socket, then through TCP; then Dovecot is gone."""
    socket_path = f"{work}/auth"
    submission, port = free_port(), 12345
    os.mkdir(f"{work}/umaya")
    mail = Submitting(users=["alice", "bob"], directory=os.path.join(work, "umaya"), start=False, main_cf={
        "mynetworks": "192.0.2.0/24", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": socket_path},
        master_cf=f"127.0.0.1:{submission} inet n - n - - smtpd" + STOCK.format(name="submission", tls=""))
    mail.submission_port = submission
    clients = LoggingIn()

    def log_in(mechanism, password):
        with mail.submit() as client:
            try:
                return try_mechanism(client, mechanism, "alice", password)[0]
            except smtplib.SMTPAuthenticationError as error:
                return error.smtp_code

    mail.start()
    try:
        with DovecotPasswords(work, socket_path, port, {"alice": PASSWORD}):
            for path in (socket_path, f"inet:127.0.0.1:{port}"):
                mail.set(smtpd_sasl_path=path)
                mail.reload()
                wait_for(lambda: sorted(mail.offered()) == sorted(DOVECOT_MECHANISMS), 20,
                         f"Dovecot's mechanisms from {path}")
                for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
                    clients.assertEqual(log_in(mechanism, PASSWORD), 235, mechanism)
                clients.assertEqual(log_in("PLAIN", "wrong"), 535)
                scram_by_msmtp(mail)
        wait_for(lambda: log_in("PLAIN", PASSWORD) == 454, 20, "454 without Dovecot")
        mail.wait_log("sasl_method=SCRAM-SHA-256, sasl_username=alice", count=2)
        clients.assertNotIn(PASSWORD, mail.log())
    finally:
        mail.close()


def scram_by_msmtp(mail):
    for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
        done = subprocess.run(["msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={mail.submission_port}",
                               f"--auth={mechanism.lower()}", "--user=alice", f"--passwordeval=echo '{PASSWORD}'",
                               "--tls=off", "--from=alice@example.test", "bob@example.test"], input="Subject: x\n\nbody\n",
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"msmtp {mechanism}: {done.stdout}\n{mail.log()[-3000:]}")


class DovecotAnswers(peer_stories.Stories):
    script, packages = __file__, STORY_PACKAGES

    def test_our_smtpd_asks_a_stock_dovecot(self):
        self.story("dovecot")


if __name__ == "__main__":
    peer_stories.main({"dovecot": ask_dovecot}, STORY_PACKAGES)
