"""TLS of smtpd and tlsmgr: certificates, STARTTLS, session tickets, and what strangers try."""

import os
import re
import socket
import ssl
import stat
import struct
import subprocess
import tempfile
import time
import unittest

import umaya_instance
from tls_folder import Folder, Instance
from tls_peer import Authority, Client, any_context, openssl, presented, read, write_private
from umaya_instance import PATIENCE, SANITIZED, free_port, wait_for

NOBODY = 65534


def open_to_everybody(path):
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


class OrdinaryInstance(Instance):
    """Made and run by a user without any right."""

    def __init__(self, **options):
        directory = tempfile.mkdtemp(prefix="umaya-e2e-")
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        super().__init__(directory=directory, **options)
        self.owns_directory = True

    def tool(self, name, *arguments, **options):
        if os.geteuid() == 0:
            options.update(user=NOBODY, group=NOBODY, extra_groups=[])
        return super().tool(name, *arguments, **options)


class SelfSigned(unittest.TestCase):
    def check(self, mail):
        with Client(mail.port) as client:
            self.assertIn("250-STARTTLS", client.extensions)
            self.assertEqual(client.socket.version(), "TLSv1.3")
            self.assertEqual(client.certificate_name(), "server.example.test")
            self.assertNotIn("STARTTLS", " ".join(client.command("EHLO client.test")))
            self.assertEqual(client.message("bob@example.test", "alice@example.test")[-1][:3], "250")
        self.assertEqual(len(mail.wait_mail("alice")), 1)
        mail.wait_log(r"warning: .*/self-signed\.pem: made a self-signed certificate for server\.example\.test.*"
                      r"name it in smtpd_tls_chain_files")
        key = mail.path("lib", "self-signed.pem")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        mail.stop()
        before = read(key)
        mail.start()
        with Client(mail.port) as client:
            self.assertEqual(client.certificate_name(), "server.example.test")
        self.assertEqual(before, read(key))

    def test_a_start_without_a_certificate_makes_one_and_says_so(self):
        with Instance(users=["alice"]) as mail:
            self.check(mail)

    def test_an_instance_of_an_ordinary_user_has_tls_too(self):
        if not open_to_everybody(umaya_instance.BUILD):
            self.skipTest("the build folder lies beneath one that ordinary users may not enter")
        with OrdinaryInstance(users=["alice"]) as mail:
            self.check(mail)


class StartTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mail = Instance(users=["alice"], main_cf={"smtpd_forbid_unauth_pipelining": "no"})

    @classmethod
    def tearDownClass(cls):
        cls.mail.close()

    def test_S5_commands_behind_STARTTLS_are_dropped(self):
        for behind in (b"RSET\r\nMAIL FROM:<evil@example.test>\r\nRCPT TO:<alice@example.test>\r\n", b"MAIL FROM:<ev",
                       b"NOOP\r\n" * 2000):
            with self.subTest(behind=behind[:20]), Client(self.mail.port, plain=True) as client:
                client.command("EHLO client.test")
                client.command("MAIL FROM:<before@example.test>")
                client.send(b"STARTTLS\r\n" + behind)
                self.assertEqual(client.reply()[0][:3], "220")
                try:
                    client.secure()
                except (ssl.SSLError, OSError):
                    continue  # what had not been read yet was no handshake: nothing was executed either
                # Neither what stood behind, nor what was said before, counts.
                self.assertEqual(client.command("RCPT TO:<alice@example.test>")[0][:3], "503")
                self.assertEqual(client.command("DATA")[0][:3], "503")
        self.assertNotIn("from=<evil@", self.mail.log())
        self.assertNotIn("from=<before@", self.mail.log())

    def test_S5_with_forbidden_pipelining_the_session_ends(self):
        with Instance(users=["alice"], main_cf={"smtpd_forbid_unauth_pipelining": "yes"}) as mail:
            with Client(mail.port, plain=True) as client:
                client.command("EHLO client.test")
                client.send(b"STARTTLS\r\nMAIL FR")
                self.assertEqual(client.reply()[0][:9], "554 5.5.0")
                self.assertEqual(client.file.read(), b"")

    def test_S5_STARTTLS_forgets_the_session(self):
        with Client(self.mail.port) as client:
            self.assertEqual(client.command("DATA")[0][:3], "503")
            answer = client.command("MAIL FROM:<a@example.test>")[0]
            self.assertEqual(answer[:3], "250")
            with_helo = client.command("EHLO again.test")
            self.assertEqual(with_helo[-1][:3], "250")

    def test_S6_STARTTLS_twice_and_with_an_argument(self):
        with Client(self.mail.port, plain=True) as client:
            client.command("EHLO client.test")
            self.assertEqual(client.command("STARTTLS now")[0], "501 5.5.4 Syntax: STARTTLS")
        with Client(self.mail.port) as client:
            self.assertEqual(client.command("STARTTLS")[0], "554 5.5.1 Error: TLS already active")
            self.assertEqual(client.command("NOOP")[0][:3], "250")

    def test_S6_commands_before_TLS_where_it_is_required(self):
        with Instance(users=["alice"], main_cf={"smtpd_tls_security_level": "encrypt"}) as mail:
            with Client(mail.port, plain=True) as client:
                self.assertIn("250-STARTTLS", client.command("EHLO client.test"))
                for line in ("MAIL FROM:<a@example.test>", "RCPT TO:<alice@example.test>", "DATA", "VRFY alice"):
                    self.assertEqual(client.command(line)[0], "530 5.7.0 Must issue a STARTTLS command first")
                self.assertEqual(client.command("NOOP")[0][:3], "250")
                self.assertEqual(client.command("STARTTLS")[0][:3], "220")
                client.secure()
                self.assertEqual(client.message("a@example.test", "alice@example.test")[-1][:3], "250")

    def test_no_TLS_where_it_is_switched_off_or_not_announced(self):
        for settings in ({"smtpd_tls_security_level": "none"}, {"smtpd_discard_ehlo_keywords": "starttls"}):
            with self.subTest(settings), Instance(users=["alice"], main_cf=settings) as mail:
                with Client(mail.port, plain=True) as client:
                    self.assertNotIn("STARTTLS", " ".join(client.command("EHLO client.test")))
                    self.assertEqual(client.command("STARTTLS")[0][:9], "502 5.5.1")

    def test_a_message_tells_of_its_encryption(self):
        with Instance(users=["alice"], main_cf={"smtpd_tls_received_header": "yes", "smtpd_tls_loglevel": "1"}) as mail:
            with Client(mail.port) as client:
                client.message("a@example.test", "alice@example.test")
            received = mail.wait_mail("alice")[0]["Received"]
            self.assertRegex(re.sub(r"\s+", " ", received),
                             r"\(using TLSv1\.3 with cipher TLS_AES_128_GCM_SHA256 \(128/128 bits\) key-exchange X25519 "
                             r"server-signature ECDSA \(prime256v1\) server-digest SHA256\) "
                             r"\(No client certificate requested\) by .* with ESMTPS id")
            mail.wait_log(r"Anonymous TLS connection established from \S+\[127\.0\.0\.1\]: TLSv1\.3 with cipher "
                          r"TLS_AES_128_GCM_SHA256 \(128/128 bits\) key-exchange X25519 server-signature ECDSA")

    def test_without_tlsmgr_mail_comes_in_the_clear(self):
        with Instance(users=["alice"], without=["tlsmgr"]) as mail:
            self.assertIn('add the line "tlsmgr unix - - n 1000? 1 tlsmgr"', mail.umaya("check").stderr)
            with Client(mail.port, plain=True) as client:
                self.assertNotIn("STARTTLS", " ".join(client.command("EHLO client.test")))
                self.assertEqual(client.command("STARTTLS")[0],
                                 "454 4.7.0 TLS not available due to local problem")
                self.assertEqual(client.message("a@example.test", "alice@example.test")[-1][:3], "250")
            mail.wait_log(r'TLS is not available: .*add the line "tlsmgr unix - - n 1000\? 1 tlsmgr" to master\.cf')


def wrapped_line(port, *options):
    return f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes " + " ".join(f"-o {o}" for o in options)


class Wrapped(Folder):
    def test_TLS_from_the_first_byte(self):
        port = free_port()
        with Instance(users=["alice"], master_cf=wrapped_line(port)) as mail:
            with Client(port, wrapped=True) as client:
                self.assertEqual(client.greeting[0][:3], "220")
                self.assertNotIn("STARTTLS", " ".join(client.command("EHLO client.test")))
                self.assertEqual(client.message("a@example.test", "alice@example.test")[-1][:3], "250")
                self.assertEqual(client.command("QUIT")[0][:3], "221")
                self.assertEqual(client.file.read(), b"")  # close_notify: no truncation
            mail.wait_mail("alice")

    def test_behind_a_load_balancer(self):
        port = free_port()
        with Instance(users=["alice"],
                      master_cf=wrapped_line(port, "smtpd_upstream_proxy_protocol=haproxy")) as mail:
            for together in (True, False):
                connection = socket.create_connection(("127.0.0.1", port), 10)
                context, incoming, outgoing = any_context(), ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = context.wrap_bio(incoming, outgoing)
                with self.assertRaises(ssl.SSLWantReadError):
                    tls.do_handshake()
                header = b"PROXY TCP4 192.0.2.77 192.0.2.1 4444 465\r\n"
                if not together:
                    connection.sendall(header)
                    time.sleep(0.2)
                    header = b""
                connection.sendall(header + outgoing.read())
                while True:
                    incoming.write(connection.recv(65536))
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        pass
                connection.sendall(outgoing.read())
                greeting = b""
                while not greeting:
                    try:
                        greeting = tls.read(1000)
                    except ssl.SSLWantReadError:
                        incoming.write(connection.recv(65536))
                self.assertTrue(greeting.startswith(b"220"))
                connection.close()
            mail.wait_log(r"connect from \S*\[192\.0\.2\.77\]", count=2)


class Certificates(Folder):
    def test_a_replaced_certificate_counts_at_once_and_sessions_go_on(self):
        chain = self.path("chain.pem")
        first, second = self.ca.issue("first.test", "rsa"), self.ca.issue("second.test", "ec")
        write_private(chain, read(first))
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": chain}) as mail:
            self.assertEqual(presented(mail.port), "first.test")
            with Client(mail.port) as old, Client(mail.port, plain=True) as waiting:
                waiting.command("EHLO client.test")
                write_private(chain, read(second))
                self.wait_certificate(mail.port, "second.test")
                mail.wait_log(r"new certificate from smtpd_tls_chain_files")
                self.assertEqual(old.message("a@example.test", "alice@example.test")[-1][:3], "250")
                waiting.command("STARTTLS")
                waiting.secure()
                self.assertEqual(waiting.certificate_name(), "second.test")
                with self.subTest("files that do not fit leave the old ones in use"):
                    write_private(chain, read(self.path("ca/second.test.ec.key")) + read(self.path("ca/first.test.rsa.crt")))
                    wait_for(lambda: presented(mail.port) and "does not belong to the certificate" in mail.log(), 8,
                             "warning", pause=0.3)
                    mail.wait_log(r"warning: \S*chain\.pem: .*the certificate read before stays in use")
                    self.assertEqual(presented(mail.port), "second.test")
                with self.subTest("nor do files that have gone"):
                    os.unlink(chain)
                    wait_for(lambda: presented(mail.port) and "No such file" in mail.log(), 8, "warning", pause=0.3)
                    self.assertEqual(presented(mail.port), "second.test")
                with self.subTest("and good ones come back into use"):
                    write_private(chain, read(first))
                    self.wait_certificate(mail.port, "first.test")
                self.assertEqual(old.command("NOOP")[0][:3], "250")
            smtpd = [pid for pid, name in mail.daemons().items() if name == "smtpd"]
            self.assertTrue(smtpd)

    def test_a_client_gets_the_kind_of_key_that_it_knows(self):
        rsa, ec = self.ca.issue("rsa.test", "rsa"), self.ca.issue("ec.test", "ec")
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": f"{rsa}, {ec}"}) as mail:
            names = {}
            for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"):
                context = any_context(maximum_version=ssl.TLSVersion.TLSv1_2)
                context.set_ciphers(cipher)
                names[cipher] = presented(mail.port, context=context)
            self.assertEqual(list(names.values()), ["rsa.test", "ec.test"])
            # RSA with PSS (TLS 1.3) and with PKCS #1 (TLS 1.2)
            for sigalgs, version in (("rsa_pss_rsae_sha256", "-tls1_3"), ("RSA+SHA256", "-tls1_2")):
                done = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{mail.port}",
                                       version, "-sigalgs", sigalgs], input="QUIT\n", capture_output=True, text=True,
                                      timeout=20 * PATIENCE)
                self.assertIn("subject=CN = rsa.test", done.stdout)

    def test_separate_files_for_certificate_and_key(self):
        self.ca.issue("pair.test", "rsa")
        base = self.path("ca/pair.test.rsa")
        with Instance(users=["alice"], main_cf={"smtpd_tls_cert_file": base + ".crt",
                                                "smtpd_tls_key_file": base + ".key"}) as mail:
            self.assertEqual(presented(mail.port), "pair.test")

    def test_the_network_processes_have_no_private_key(self):
        chain = self.ca.issue("kept.test", "rsa")
        secret = subprocess.run(["openssl", "pkey", "-in", chain, "-outform", "DER"], capture_output=True).stdout
        modulus = openssl("rsa", "-in", chain, "-noout", "-text")
        prime = re.search(r"prime1:\s+((?:[0-9a-f]{2}:?\s*)+)", modulus).group(1)
        prime = bytes.fromhex(re.sub(r"[\s:]", "", prime)).lstrip(b"\0")
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": chain}) as mail:
            for _ in range(5):
                presented(mail.port)
            if os.geteuid() != 0:
                self.skipTest("needs root to read the memory of processes")
            found = {name: set() for name in ("smtpd", "tlsmgr")}
            for pid, name in mail.daemons().items():
                if name in found:
                    found[name].add(holds(pid, prime[::-1]) or holds(pid, prime) or holds(pid, secret[:200]))
            self.assertEqual(found["smtpd"], {False})
            self.assertIn(True, found["tlsmgr"])  # or the search would find nothing anywhere
            for pid, name in mail.daemons().items():
                if name.startswith("tlsmgr"):
                    self.assertNotEqual(os.stat(f"/proc/{pid}/mem").st_uid == 0 and uid_of(pid) == 0, True)

    def test_tlsmgr_killed_and_started_again(self):
        chain = self.ca.issue("again.test", "ec")
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": chain}) as mail:
            mail.crashes_expected = True
            self.assertEqual(presented(mail.port), "again.test")
            for pid, name in mail.daemons().items():
                if name == "tlsmgr":
                    os.kill(pid, 9)
            wait_for(lambda: works(mail.port), 10, "TLS works again", pause=0.3)
            self.assertFalse([n for p, n in mail.daemons().items() if n == "tlsmgr-reader" and parent(p) == 1])


def works(port):
    try:
        return bool(presented(port))
    except (OSError, AssertionError):
        return False


def uid_of(pid):
    return os.stat(f"/proc/{pid}").st_uid


def parent(pid):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


def holds(pid, needle):
    """Whether a process has these bytes in its memory."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not match:
                continue
            start, end = (int(x, 16) for x in match.groups())
            if end - start > 1 << 30:
                continue  # a sanitizer's own
            memory.seek(start)
            try:
                if needle in memory.read(end - start):
                    return True
            except OSError:
                pass
    return False


class Mistakes(Folder):
    """Each of them is told with file and cure, by "umaya check" and in the log."""

    def check(self, chain, *wanted, usable=False):
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": chain}, start=False) as mail:
            done = mail.umaya("check")
            for text in wanted:
                self.assertRegex(done.stdout + done.stderr, text)
            mail.start()
            with Client(mail.port, plain=True) as client:
                offered = "STARTTLS" in " ".join(client.command("EHLO client.test"))
                self.assertEqual(offered, usable)
                self.assertEqual(client.message("a@example.test", "alice@example.test")[-1][:3], "250")
            for text in wanted:
                mail.wait_log(text)

    def file(self, name, *texts, mode=0o600):
        path = self.path(name)
        write_private(path, "".join(texts))
        os.chmod(path, mode)
        return path

    def test_a_key_that_does_not_belong_to_the_certificate(self):
        self.ca.issue("a.test")
        self.ca.issue("b.test")
        chain = self.file("mixed.pem", read(self.path("ca/a.test.ec.key")), read(self.path("ca/b.test.ec.crt")))
        self.check(chain, r"mixed\.pem: the private key .* does not belong to the certificate: put the files together")

    def test_a_file_that_is_not_there(self):
        self.check(self.path("missing.pem"), r"missing\.pem: No such file or directory: make it, or correct "
                                             r"smtpd_tls_chain_files")

    def test_a_key_that_everybody_can_read(self):
        chain = self.file("open.pem", read(self.ca.issue("open.test")), mode=0o644)
        self.check(chain, r"open\.pem: every user of this host can read the private key: chmod 600", usable=True)

    def test_a_key_of_another_owner(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        chain = self.file("owned.pem", read(self.ca.issue("owned.test")))
        os.chown(chain, 1234, -1)
        self.check(chain, r"owned\.pem: the private key belongs to user id 1234, not to root: chown root", usable=True)

    def test_a_certificate_that_has_expired(self):
        chain = self.ca.issue("old.test", days=-1)
        self.check(chain, r"old\.test\.ec\.pem: the certificate has expired on \d{4}-\d\d-\d\d: renew it", usable=True)

    def test_a_certificate_that_expires_soon(self):
        chain = self.ca.issue("soon.test", days=5)
        self.check(chain, r"soon\.test\.ec\.pem: the certificate expires on \d{4}-\d\d-\d\d: renew it", usable=True)

    def test_a_chain_in_the_wrong_order(self):
        self.ca.issue("order.test")
        other = Authority(self.path("other"), "Other Authority")
        key, crt = read(self.path("ca/order.test.ec.key")), read(self.path("ca/order.test.ec.crt"))
        with self.subTest("a stranger in the chain"):
            chain = self.file("stranger.pem", key, crt, read(other.certificate))
            self.check(chain, r"stranger\.pem: certificate 2 is not that of the authority which issued certificate 1",
                       usable=True)
        with self.subTest("the authority first"):
            chain = self.file("reversed.pem", key, read(self.ca.certificate), crt)
            self.check(chain, r"reversed\.pem: the certificate of the key .* is not the first one: put it first")
        with self.subTest("the key last"):
            chain = self.file("last.pem", crt, key)
            self.check(chain, r"last\.pem: a certificate stands before any private key: put the key first")

    def test_keys_that_cannot_be_used(self):
        for kind, text in (("ed25519", r"keys of the kind ED25519 cannot be used: use RSA or ECDSA"),
                           ("rsa1024", r"an RSA key of 1024 bits is too weak")):
            with self.subTest(kind):
                self.check(self.ca.issue(f"{kind}.test", kind), text)
        with self.subTest("encrypted"):
            locked = openssl("pkey", "-in", self.ca.issue("locked.test"), "-aes256", "-passout", "pass:secret")
            chain = self.file("locked.pem", locked, read(self.path("ca/locked.test.ec.crt")))
            self.check(chain, r"locked\.pem: the private key is encrypted: write it without a password")


class ServerNames(Folder):
    def test_a_certificate_for_each_name(self):
        own, other = self.ca.issue("own.test", "rsa"), self.ca.issue("other.test", "ec")
        wild = self.ca.issue("wild.test", "ec")
        with Instance(users=["alice"], start=False) as mail:
            table = mail.path("sni")
            write_private(table, f"mail.other.test {other}\n.wild.test {wild}\n")
            mail.tool("postmap", "-F", f"hash:{table}", check=True)
            mail.set(smtpd_tls_chain_files=own, tls_server_sni_maps=f"hash:{table}", smtpd_tls_loglevel=1)
            mail.start()
            self.assertEqual(presented(mail.port, "mail.other.test"), "other.test")
            self.assertEqual(presented(mail.port, "MAIL.Other.Test"), "other.test")
            self.assertEqual(presented(mail.port, "deep.in.wild.test"), "wild.test")
            self.assertEqual(presented(mail.port, "unknown.test"), "own.test")
            self.assertEqual(presented(mail.port), "own.test")
            mail.wait_log(r"TLS connection established from \S+ to mail\.other\.test: TLSv1\.3")
            with self.subTest("a changed table counts"):
                write_private(table, f"mail.other.test {wild}\n")
                mail.tool("postmap", "-F", f"hash:{table}", check=True)
                self.wait_certificate(mail.port, "wild.test", name="mail.other.test")
            with self.subTest("A22: random names cost no memory for ever"):
                before = memory(mail)
                for i in range(300):  # more than are kept
                    presented(mail.port, f"name{i}.random.test")
                self.assertLess(memory(mail) - before, 6 * 1024 * (40 if SANITIZED else 1))

    def test_a_table_of_file_names(self):
        own, other = self.ca.issue("own.test", "ec"), self.ca.issue("other.test", "rsa")
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": own,
                                                "tls_server_sni_maps": f"inline:{{mail.other.test={other}}}"}) as mail:
            self.assertEqual(presented(mail.port, "mail.other.test"), "other.test")
            with self.subTest("a broken entry gives the service's own certificate"):
                write_private(other, "nothing\n")
                self.wait_certificate(mail.port, "other.test", name="mail.other.test")
                self.assertEqual(presented(mail.port), "own.test")


def memory(mail):
    """KiB of smtpd and tlsmgr together."""
    total = 0
    for pid, name in mail.daemons().items():
        if name in ("smtpd", "tlsmgr"):
            with open(f"/proc/{pid}/status") as f:
                total += int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
    return total


def resumable(port, context, session=None, wrapped=False):
    """One session; gives whether it was resumed, and what the next one can resume."""
    with Client(port, context=context, session=session, wrapped=wrapped) as client:
        client.command("NOOP")  # the ticket comes with the first answer
        return client.socket.session_reused, client.socket.session


class Tickets(Folder):
    def test_S7_workers_share_tickets_and_services_do_not(self):
        other = free_port()
        with Instance(users=["alice"], main_cf={"smtpd_tls_loglevel": 1},
                      master_cf=f"127.0.0.1:{other} inet n - n - - smtpd") as mail:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(version):
                    context = any_context(maximum_version=version)
                    reused, session = resumable(mail.port, context)
                    self.assertFalse(reused)
                    self.assertTrue(resumable(mail.port, context, session)[0])
                    self.assertFalse(resumable(other, context, session)[0])
            # Clients that wait make master start a second worker, which takes the ticket of the first.
            context = any_context(maximum_version=ssl.TLSVersion.TLSv1_2)
            _, session = resumable(mail.port, context)
            waiting = [socket.create_connection(("127.0.0.1", mail.port)) for _ in range(24)]
            workers = lambda: [p for p, n in mail.daemons().items() if n == "smtpd" and serves(p, mail.port)]  # noqa: E731
            try:
                wait_for(lambda: len(workers()) > 1, 10, "a second worker")
                before = set(re.findall(r"smtpd\[(\d+)\]: Anonymous TLS", mail.log()))
                for _ in range(40):
                    self.assertTrue(resumable(mail.port, context, session)[0])
                mail.wait_log(r"Anonymous TLS connection established")
                after = re.findall(r"smtpd\[(\d+)\]: Anonymous TLS", mail.log())
                self.assertGreater(len(set(after[-40:]) | before), 1)
            finally:
                for connection in waiting:
                    connection.close()

    def test_without_tickets_nothing_is_resumed(self):
        with Instance(users=["alice"], main_cf={"tls_session_ticket_cipher": ""}) as mail:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = any_context(maximum_version=version)
                _, session = resumable(mail.port, context)
                if session:
                    self.assertFalse(resumable(mail.port, context, session)[0])


def serves(pid, port):
    with open(f"/proc/{pid}/cmdline") as f:
        return f":{port}" in f.read()


def client_hello(server_name_extension):
    """A TLS 1.2 ClientHello with this body of the server_name extension."""
    ciphers = b"\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30"
    extensions = [(0x0000, server_name_extension), (0x000A, b"\x00\x04\x00\x1d\x00\x17"), (0x000B, b"\x01\x00"),
                  (0x000D, b"\x00\x08\x04\x03\x08\x04\x04\x01\x05\x03")]
    packed = b"".join(struct.pack(">HH", kind, len(body)) + body for kind, body in extensions)
    body = (b"\x03\x03" + os.urandom(32) + b"\x00" + struct.pack(">H", len(ciphers)) + ciphers + b"\x01\x00" +
            struct.pack(">H", len(packed)) + packed)
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    records = [message[i:i + 16384] for i in range(0, len(message), 16384)]
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(r)) + r for r in records)


def host_name(name):
    return struct.pack(">HBH", len(name) + 3, 0, len(name)) + name


class Strangers(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = free_port()
        own, other = cls.ca.issue("own.test", "ec"), cls.ca.issue("other.test", "ec")
        cls.mail = Instance(users=["alice"], master_cf=wrapped_line(cls.port, "smtpd_starttls_timeout=3s"),
                            main_cf={"smtpd_tls_chain_files": own, "smtpd_tls_loglevel": "1",
                                     "tls_server_sni_maps": f"inline:{{other.test={other}}}"})

    @classmethod
    def tearDownClass(cls):
        cls.mail.close()
        super().tearDownClass()

    def tearDown(self):
        self.assertEqual(presented(self.port, wrapped=True), "own.test")  # it still lives

    def test_S7_server_names_that_are_none(self):
        names = [host_name(b""), host_name(b"other.test\\\0"), host_name(b"other.test\0"), host_name(b"../../etc/passwd"),
                 host_name(b"a" * 5000), host_name(b"other.test."), host_name(b"127.0.0.1"), host_name(b"\xff" * 60),
                 b"", b"\0", b"\0\0", b"\xff\xff\0", host_name(b"a" * 65000), host_name(b"other.test") + b"\0\0"]
        for body in names:
            with self.subTest(body=body[:30]), socket.create_connection(("127.0.0.1", self.port), 10) as s:
                s.sendall(client_hello(body))
                answer = s.recv(5)
                self.assertIn(answer[:1], (b"\x16", b"\x15", b""))  # a handshake, or an alert
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            s.sendall(client_hello(host_name(b"other.test")))  # the form itself is right
            self.assertEqual(s.recv(5)[:1], b"\x16")

    def test_S7_the_protocol_of_another_service(self):
        for names, accepted in ((["http/1.1", "h2"], False), (["pop3"], False), (["imap", "smtp"], True)):
            context = any_context()
            context.set_alpn_protocols(names)
            with self.subTest(names):
                if accepted:
                    with Client(self.port, wrapped=True, context=context) as client:
                        self.assertEqual(client.socket.selected_alpn_protocol(), "smtp")
                else:
                    with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
                        Client(self.port, wrapped=True, context=context)

    def test_S7_no_renegotiation(self):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2"],
                              input="R\nR\nR\nNOOP\nQUIT\n", capture_output=True, text=True, timeout=20 * PATIENCE)
        self.assertRegex(done.stdout + done.stderr, "no renegotiation|RENEGOTIATING")
        self.assertNotIn("250 2.0.0 Ok", done.stdout)

    def test_S7_a_handshake_of_one_byte_a_second(self):
        hello = client_hello(host_name(b"other.test"))
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), 20 * PATIENCE) as s:
            try:
                for byte in hello:
                    s.sendall(bytes([byte]))
                    s.settimeout(0.5)
                    try:
                        if s.recv(100) == b"":
                            break
                    except TimeoutError:
                        pass
            except OSError:
                pass
        self.assertLess(time.monotonic() - start, 8 * PATIENCE)
        self.mail.wait_log(r"SSL_accept error from \S+: Connection timed out")

    def test_S7_close_notify_in_the_middle(self):
        with Client(self.port, wrapped=True) as client:
            client.command("EHLO client.test")
            client.command("MAIL FROM:<a@example.test>")
            client.command("RCPT TO:<alice@example.test>")
            client.command("DATA")
            client.send("Subject: cut\r\n\r\n" + "x" * 900 + "\r\n")
            try:
                client.socket.unwrap()  # close_notify, and waits for the server's
            except (ssl.SSLError, OSError):
                pass
        with Client(self.port, wrapped=True) as client:
            client.command("EHLO client.test")
            client.send(b"NOOP\r\n" * 20000)  # answers that nobody reads
            try:
                client.socket.settimeout(2)
                client.socket.unwrap()
            except (ssl.SSLError, OSError):
                pass
        self.mail.wait_log(r"lost connection after DATA \(\d+ bytes\) from")

    def test_garbage_and_plain_text(self):
        for data in (b"EHLO client.test\r\n" * 10, os.urandom(3000), b"\x16\x03\x01\xff\xff" + b"\x00" * 70000, b"\x80\x2e\x01"):
            with socket.create_connection(("127.0.0.1", self.port), 10) as s:
                try:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(4096):
                        pass
                except OSError:
                    pass
        self.mail.wait_log(r"SSL_accept error from")

    def test_old_protocols_and_weak_ciphers_are_refused(self):
        for arguments in (["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"], ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"],
                          ["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"]):
            with self.subTest(arguments):
                done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *arguments],
                                      input="QUIT\n", capture_output=True, text=True, timeout=20 * PATIENCE)
                self.assertNotEqual(done.returncode, 0)
                self.assertNotIn("220 ", done.stdout)


class ClientCertificates(Folder):
    def instance(self, **settings):
        settings = {"smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": self.ca.certificate, "smtpd_tls_loglevel": "1",
                    "smtpd_tls_received_header": "yes", "mynetworks": "192.0.2.0/24", **settings}
        return Instance(users=["alice"], main_cf=settings)

    def context(self, chain=None):
        context = any_context()
        if chain:
            context.load_cert_chain(chain)
        return context

    def fingerprint(self, chain, what="fingerprint"):
        der = subprocess.run(["openssl", "x509", "-in", chain, "-outform", "DER"], capture_output=True).stdout
        if what == "key":
            public = openssl("x509", "-in", chain, "-noout", "-pubkey")
            der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.encode(),
                                 capture_output=True).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der, capture_output=True).stdout.decode()
        return ":".join(digest[i:i + 2] for i in range(0, 64, 2)).upper()

    def relay(self, mail, chain=None):
        """The answer to a recipient elsewhere."""
        with Client(mail.port, context=self.context(chain)) as client:
            client.command("EHLO client.test")
            client.command("MAIL FROM:<a@example.test>")
            return client.command("RCPT TO:<bob@elsewhere.test>")[0]

    def test_whom_a_certificate_lets_relay(self):
        known, keyed, other = (self.ca.issue(f"{n}.test", "ec") for n in ("known", "keyed", "other"))
        table = f"inline:{{{self.fingerprint(known)}=ok, {self.fingerprint(keyed, 'key')}=ok}}"
        with self.instance(relay_clientcerts=table,
                           smtpd_relay_restrictions="permit_tls_clientcerts, reject_unauth_destination") as mail:
            self.assertEqual(self.relay(mail, known)[:3], "250")
            self.assertEqual(self.relay(mail, keyed)[:3], "250")
            self.assertEqual(self.relay(mail, other)[:3], "554")
            self.assertEqual(self.relay(mail)[:3], "554")
            mail.wait_log(r"Trusted TLS connection established from")
        stranger = Authority(self.path("stranger"), "Stranger").issue("stranger.test", "rsa")
        with self.instance(smtpd_relay_restrictions="permit_tls_all_clientcerts, reject_unauth_destination") as mail:
            self.assertEqual(self.relay(mail, other)[:3], "250")
            self.assertEqual(self.relay(mail, stranger)[:3], "554")
            self.assertEqual(self.relay(mail)[:3], "554")
            mail.wait_log(r"Untrusted TLS connection established from")
        with self.instance(smtpd_recipient_restrictions=f"check_ccert_access inline:{{{{{self.fingerprint(other)}="
                                                        "REJECT not you}}", smtpd_delay_reject="yes") as mail:
            with Client(mail.port, context=self.context(other)) as client:
                self.assertRegex(client.message("a@example.test", "alice@example.test")[-1],
                                 r"554 5\.7\.1 .*Client certificate rejected: not you")
            with Client(mail.port, context=self.context(known)) as client:
                client.message("a@example.test", "alice@example.test")
            received = re.sub(r"\s+", " ", mail.wait_mail("alice")[0]["Received"])
            self.assertIn('(Client CN "known.test", Issuer "Test Authority" (verified OK))', received)
            self.assertIn("client-signature ECDSA (prime256v1) client-digest SHA256", received)

    def test_a_service_that_wants_certificates_from_all(self):
        good = self.ca.issue("good.test", "ec")
        with self.instance(smtpd_tls_req_ccert="yes", smtpd_tls_security_level="encrypt") as mail:
            with Client(mail.port, context=self.context(good)) as client:
                self.assertEqual(client.message("a@example.test", "alice@example.test")[-1][:3], "250")
            with Client(mail.port, context=self.context()) as client:
                self.assertRegex(client.reply()[0], r"421 4\.7\.1 .*No client certificate presented")

    def test_sessions_without_encryption_can_be_refused(self):
        with Instance(users=["alice"], main_cf={"smtpd_client_restrictions": "reject_plaintext_session"}) as mail:
            with Client(mail.port, plain=True) as client:
                self.assertRegex(client.message("a@example.test", "alice@example.test")[-1],
                                 r"450 4\.7\.1 .*Session encryption is required")
            with Client(mail.port) as client:
                self.assertEqual(client.message("a@example.test", "alice@example.test")[-1][:3], "250")


if __name__ == "__main__":
    unittest.main()
