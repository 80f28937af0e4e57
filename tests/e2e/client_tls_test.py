"""TLS and log-in of the SMTP client: every level against servers that are right, wrong, or cannot do TLS; policy tables,
resumption, the way back to clear text; authentication against Postfix with Dovecot's passwords.

The first part runs without root, against servers in this process on loopback addresses. The second needs root and
Debian's packages, unpacked into the build folder.
"""

import base64
import hashlib
import os
import ssl
import subprocess
import tempfile
import unittest

import mail_peers
import peer_stories
from mail_peers import Network, Postfix, mail_zone, reverse_zone, sandbox
from next_hop_test import NameServer, free_port_on
from smtp_peer import SmtpPeer
from umaya_instance import Instance, wait_for

ZONE = """\
$TTL 60
@ IN SOA ns hostmaster 1 3600 900 604800 60
@ IN NS ns
ns IN A 127.0.0.1
mx.good IN A 127.0.0.2
mx.wrong IN A 127.0.0.3
mx.plain IN A 127.0.0.4
mx.broken IN A 127.0.0.5
$GENERATE 1-9 good$ IN MX 10 mx.good
$GENERATE 1-9 wrong$ IN MX 10 mx.wrong
$GENERATE 1-9 plain$ IN MX 10 mx.plain
broken IN MX 10 mx.broken
good IN MX 10 mx.good
sub.parent IN MX 10 mx.good
"""
POLICIES = """\
good1.hop.test encrypt
good2.hop.test verify
good3.hop.test secure match=nexthop:.good.hop.test
good4.hop.test fingerprint match={fingerprint}
good5.hop.test fingerprint match={key_fingerprint}
good6.hop.test none
good7.hop.test encrypt protocols=TLSv1.2 connection_reuse=no
good.hop.test secure
wrong1.hop.test encrypt
wrong2.hop.test verify
wrong3.hop.test secure
wrong4.hop.test fingerprint match=00:{fingerprint}
wrong5.hop.test certain
wrong6.hop.test dane
plain1.hop.test encrypt
plain2.hop.test secure
.parent.hop.test encrypt
"""


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **options).stdout


def make_authority(directory):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=Test Authority", "-keyout", f"{directory}/ca.key", "-out", f"{directory}/ca.pem")


def make_certificate(directory, name, *hosts):
    """Key and certificate in NAME.pem."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={hosts[0]}",
            "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.csr")
    with open(f"{directory}/{name}.ext", "w") as f:
        f.write("subjectAltName=" + ",".join(f"DNS:{h}" for h in hosts) + "\n")
    openssl("x509", "-req", "-in", f"{directory}/{name}.csr", "-CA", f"{directory}/ca.pem", "-CAkey",
            f"{directory}/ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{directory}/{name}.ext", "-out",
            f"{directory}/{name}.crt")
    with open(f"{directory}/{name}.pem", "w") as out:
        for part in ("key", "crt"):
            with open(f"{directory}/{name}.{part}") as f:
                out.write(f.read())


def colons(digest):
    return ":".join(f"{b:02X}" for b in digest)


def fingerprints(directory, name):
    certificate = openssl("x509", "-in", f"{directory}/{name}.crt", "-outform", "DER")
    key = openssl("pkey", "-pubin", "-outform", "DER",
                  input=openssl("x509", "-in", f"{directory}/{name}.crt", "-noout", "-pubkey"))
    return colons(hashlib.sha256(certificate).digest()), colons(hashlib.sha256(key).digest())


class TlsPeer(SmtpPeer):
    """Offers STARTTLS with a certificate; AUTH PLAIN for accounts, if there are any, once there is TLS."""

    def __init__(self, host, port, chain, wrapper=False, accounts=None, clients=None):
        """clients: the authority of certificates that every client must show."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain)
        if clients:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(clients)
        self.names = set()  # of clients' certificates
        self.wrapper = wrapper
        self.accounts = accounts or {}
        self.handshakes = []  # (protocol, resumed)
        self.logins = []
        super().__init__(host=host, port=port)

    def offers(self, client):
        if isinstance(client, ssl.SSLSocket):
            return [*self.extensions, *(["AUTH PLAIN"] if self.accounts else [])]
        return [*self.extensions, "STARTTLS"]

    def secure(self, client):
        secured = self.context.wrap_socket(client, server_side=True)
        self.handshakes.append((secured.version(), secured.session_reused))
        for part in (secured.getpeercert() or {}).get("subject", ()):
            self.names.update(value for _, value in part)
        return secured

    def _serve(self, client):
        try:
            super()._serve(self.secure(client) if self.wrapper else client)
        except (OSError, ValueError):
            pass

    def other_command(self, verb, text, client, lines):
        if verb == "STARTTLS":
            client.sendall(b"220 2.0.0 go ahead\r\n")
            try:
                with self.secure(client) as secured, secured.makefile("rb") as more:
                    self._session(secured, more)
            except OSError:
                pass
            return True
        if verb == "AUTH" and self.accounts:
            user, password = base64.b64decode(text.split()[2]).decode().split("\0")[1:]
            good = self.accounts.get(user) == password
            self.logins.append(user)
            client.sendall(b"235 2.7.0 welcome\r\n" if good else b"535 5.7.8 not you\r\n")
            return False
        return super().other_command(verb, text, client, lines)


class BrokenPeer(SmtpPeer):
    """Says 220 to STARTTLS and cannot do it."""

    def offers(self, client):
        return [*self.extensions, "STARTTLS"]

    def other_command(self, verb, text, client, lines):
        client.sendall(b"220 2.0.0 go ahead\r\nthis is no TLS\r\n" if verb == "STARTTLS" else b"502 5.5.1 what?\r\n")
        return verb == "STARTTLS"


class ClientTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="umaya-tls-")
        d = cls.temporary.name
        cls.names = NameServer(d, ZONE)
        make_authority(d)
        make_certificate(d, "good", "mx.good.hop.test")
        make_certificate(d, "wrong", "elsewhere.test")
        cls.port = free_port_on([f"127.0.0.{n}" for n in range(2, 7)])
        cls.good = TlsPeer("127.0.0.2", cls.port, f"{d}/good.pem")
        cls.wrong = TlsPeer("127.0.0.3", cls.port, f"{d}/wrong.pem")
        cls.plain = SmtpPeer(host="127.0.0.4", port=cls.port)
        cls.broken = BrokenPeer(host="127.0.0.5", port=cls.port)
        cls.peers = [cls.good, cls.wrong, cls.plain, cls.broken]
        fingerprint, key_fingerprint = fingerprints(d, "good")
        with open(f"{d}/policy", "w") as f:
            f.write(POLICIES.format(fingerprint=fingerprint, key_fingerprint=key_fingerprint))
        cls.mail = Instance(users=["alice"], main_cf={
            "resolv_conf_file": f"{d}/resolv.conf", "smtp_tcp_port": cls.port, "inet_protocols": "ipv4",
            "minimal_backoff_time": "2s", "queue_run_delay": "1s", "smtp_tls_CAfile": f"{d}/ca.pem",
            "smtp_tls_policy_maps": f"texthash:{d}/policy", "smtp_tls_loglevel": "1"})

    @classmethod
    def tearDownClass(cls):
        cls.mail.close()
        for peer in cls.peers:
            peer.close()
        cls.names.stop()
        cls.temporary.cleanup()

    def send(self, recipient):
        self.mail.send("alice@example.test", [recipient], f"Subject: {recipient}\n\nhi\n")

    def arrives(self, recipient, peer):
        self.send(recipient)
        try:
            wait_for(lambda: recipient in peer.recipients(), 15, f"{recipient} arrives")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.mail.log()[-4000:]}") from error

    def is_deferred(self, recipient, dsn, text):
        self.send(recipient)
        self.mail.wait_log(rf"to=<{recipient}>, .*dsn={dsn}, status=deferred \({text}\)")
        self.assertFalse(any(recipient in peer.recipients() for peer in self.peers))

    def log_says(self, word, host, address):
        self.mail.wait_log(rf"{word} TLS connection established to {host}\[{address}\]:{self.port}: TLSv1\.[23] with "
                           r"cipher \w+ \(\d+/\d+ bits\)")

    def test_may_uses_tls_where_it_is_offered(self):
        self.arrives("a@wrong9.hop.test", self.wrong)
        self.assertTrue(self.wrong.handshakes)
        self.log_says("Trusted", "mx.wrong.hop.test", "127.0.0.3")
        self.arrives("a@plain9.hop.test", self.plain)

    def test_may_goes_back_to_clear_text_once_the_message_has_waited(self):
        self.send("a@broken.hop.test")
        self.mail.wait_log(r"to=<a@broken\.hop\.test>, relay=mx\.broken\.hop\.test\[127\.0\.0\.5\]:\d+, .*dsn=4\.7\.5, "
                           r"status=deferred \(Cannot start TLS: handshake failure\)")
        self.mail.wait_log(r"SSL_connect error to mx\.broken\.hop\.test\[127\.0\.0\.5\]:\d+: ")
        wait_for(lambda: "a@broken.hop.test" in self.broken.recipients(), 20, "the mail goes in the clear")

    def test_encrypt_takes_any_certificate_and_no_clear_text(self):
        self.arrives("a@good1.hop.test", self.good)
        self.arrives("a@wrong1.hop.test", self.wrong)
        self.is_deferred("a@plain1.hop.test", "4.7.4",
                         r"TLS is required, but was not offered by host mx\.plain\.hop\.test\[127\.0\.0\.4\]")

    def test_verify_wants_the_name_of_the_host(self):
        self.arrives("a@good2.hop.test", self.good)
        self.log_says("Verified", "mx.good.hop.test", "127.0.0.2")
        self.is_deferred("a@wrong2.hop.test", "4.7.5", "Server certificate not verified")
        self.mail.wait_log(r"certificate verification failed for mx\.wrong\.hop\.test\[127\.0\.0\.3\]:\d+: num=62:")

    def test_secure_wants_the_name_of_the_destination(self):
        self.arrives("a@good3.hop.test", self.good)
        self.arrives("a@good.hop.test", self.good)
        self.is_deferred("a@wrong3.hop.test", "4.7.5", "Server certificate not verified")
        self.is_deferred("a@plain2.hop.test", "4.7.4", "TLS is required, .*")

    def test_fingerprints_of_certificate_and_key(self):
        self.arrives("a@good4.hop.test", self.good)
        self.arrives("a@good5.hop.test", self.good)
        self.is_deferred("a@wrong4.hop.test", "4.7.5", "Server certificate not verified")

    def test_a_policy_that_is_not_understood_keeps_the_mail(self):
        self.is_deferred("a@wrong5.hop.test", "4.7.5", "client TLS configuration problem")
        self.mail.wait_log(r'warning: TLS policy table, next-hop destination "wrong5\.hop\.test": invalid security level')
        self.is_deferred("a@wrong6.hop.test", "4.7.5", 'TLS security level "dane" is not supported yet: .*')

    def test_none_and_parent_domains(self):
        before = len(self.good.handshakes)
        self.arrives("a@good6.hop.test", self.good)
        self.assertEqual(len(self.good.handshakes), before)
        self.arrives("a@sub.parent.hop.test", self.good)
        self.mail.wait_log(r"TLS connection (established|reused) to mx\.good\.hop\.test")

    def test_a_session_is_resumed(self):
        self.arrives("a@good7.hop.test", self.good)
        self.arrives("b@good7.hop.test", self.good)
        self.assertEqual(self.good.handshakes[-1], ("TLSv1.2", True))


class Accounts(unittest.TestCase):
    """Wrapper mode with a certificate of our own, and an account for each sender."""

    def test_each_sender_logs_in_with_an_account_of_its_own(self):
        with tempfile.TemporaryDirectory(prefix="umaya-accounts-") as d:
            os.chmod(d, 0o755)
            make_authority(d)
            make_certificate(d, "relay", "relay.test")
            make_certificate(d, "client", "client.test")
            port = free_port_on(["127.0.0.6"])
            with open(f"{d}/passwords", "w") as f:
                f.write(f"alice@example.test one:first\nbob@example.test two:wrong\n[127.0.0.6]:{port} main:key\n")
            accounts = {"one": "first", "two": "second", "main": "key"}
            with TlsPeer("127.0.0.6", port, f"{d}/relay.pem", wrapper=True, accounts=accounts, clients=f"{d}/ca.pem") \
                    as relay, Instance(users=["alice", "bob", "carol"], main_cf={
                        "relayhost": f"[127.0.0.6]:{port}", "smtp_tls_wrappermode": "yes", "inet_protocols": "ipv4",
                        "smtp_tls_security_level": "secure", "smtp_tls_CAfile": f"{d}/ca.pem",
                        "smtp_tls_chain_files": f"{d}/client.pem",
                        "smtp_tls_secure_cert_match": "relay.test", "smtp_sasl_auth_enable": "yes",
                        "smtp_sasl_password_maps": f"texthash:{d}/passwords", "smtp_sasl_tls_security_options": "noanonymous",
                        "smtp_sender_dependent_authentication": "yes"}) as mail:
                for sender in ("alice", "carol", "alice"):
                    mail.send(f"{sender}@example.test", ["x@far.test"], "Subject: x\n\nhi\n")
                    mail.wait_empty()
                self.assertEqual(relay.names, {"client.test"})
                self.assertEqual(relay.logins, ["one", "main"])  # the third message used the first connection again
                mail.send("bob@example.test", ["x@far.test"], "Subject: x\n\nhi\n")
                mail.wait_log(rf"dsn=4\.7\.8, status=deferred \(SASL authentication failed; server "
                              r"127\.0\.0\.6\[127\.0\.0\.6\] said: 535 5\.7\.8 not you\)")
                self.assertEqual(len(relay.messages), 3)
                for secret in ("first", "wrong", base64.b64encode(b"\0two\0wrong").decode()):
                    self.assertNotIn(secret, mail.log())


MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
PACKAGES = [*mail_peers.PACKAGES, "dovecot-core"]
OURS, THEIRS = "192.0.2.10", "192.0.2.20"
PASSWORDS = {"alice": "wonderland", "bob": "builder"}


class DovecotAuth:
    """Dovecot as the keeper of passwords: nothing but its auth socket."""

    def __init__(self, work, socket_path, users):
        self.work = os.path.join(work, "dovecot")
        os.makedirs(f"{self.work}/run")
        with open(f"{self.work}/users", "w") as f:
            f.writelines(f"{user}:{{PLAIN}}{password}\n" for user, password in users.items())
        self.config = f"{self.work}/dovecot.conf"
        with open(self.config, "w") as f:
            f.write(f"""\
base_dir = {self.work}/run
state_dir = {self.work}/run
log_path = {self.work}/log
protocols =
ssl = no
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
disable_plaintext_auth = no
auth_mechanisms = {" ".join(m.lower() for m in MECHANISMS)}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {self.work}/users
}}
userdb {{
  driver = static
  args = uid={mail_peers.OWNER} gid={mail_peers.OWNER} home=/nonexistent
}}
service auth {{
  unix_listener {socket_path} {{
    mode = 0666
  }}
}}
""")
        self.socket_path = socket_path

    def start(self):
        log = open(f"{self.work}/log", "a")
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", self.config], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, preexec_fn=sandbox.die_with_parent)
        try:
            wait_for(lambda: os.path.exists(self.socket_path), 20, "Dovecot's auth socket")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def log(self):
        with open(f"{self.work}/log", errors="replace") as f:
            return f.read()[-4000:]


class SecurePostfix(Postfix):
    """STARTTLS and AUTH; who has not logged in may write to nobody."""

    def configure(self):
        super().configure()
        tls = {"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": f"{self.work}/../peer.pem",
               "smtpd_tls_loglevel": "1", "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
               "smtpd_sasl_path": "private/auth", "smtpd_sasl_security_options": "noanonymous",
               "smtpd_client_restrictions": "permit_sasl_authenticated, reject"}
        with open(f"{self.config}/main.cf", "a") as f:
            f.writelines(f"{k} = {v}\n" for k, v in tls.items())
        with open(f"{self.config}/master.cf", "a") as f:
            f.write("tlsmgr unix - - n 1000? 1 tlsmgr\n")
        self.dovecot = DovecotAuth(os.path.dirname(self.work), f"{self.work}/spool/private/auth", PASSWORDS)

    def launch(self):
        self.dovecot.start()
        super().launch()

    def __exit__(self, *reason):
        super().__exit__(*reason)
        self.dovecot.stop()


def instance(work, **settings):
    directory = os.path.join(work, "umaya")
    os.mkdir(directory)
    mail = Instance(users=["alice", "bob"], domain="umaya.test", directory=directory, start=False, main_cf={
        "myhostname": "mail.umaya.test", "smtp_bind_address": OURS, "inet_protocols": "ipv4", "smtp_tcp_port": "25",
        "minimal_backoff_time": "2s", "queue_run_delay": "2s", **settings})
    mail.start()
    return mail


def log_in_everywhere(work):
    """Every mechanism, with and without TLS; a wrong password; two senders with an account each."""
    network = Network(work)
    network.add_address(OURS)
    network.add_address(THEIRS)
    network.serve_names({"peer.test": mail_zone("peer.test", THEIRS),
                         "2.0.192.in-addr.arpa": reverse_zone({10: "mail.umaya.test", 20: "mail.peer.test"})})
    make_authority(work)
    make_certificate(work, "peer", "mail.peer.test")
    with open(f"{work}/passwords", "w") as f:
        f.write("mail.peer.test alice:wonderland\nbob@umaya.test bob:builder\n")
    peer = SecurePostfix(work, THEIRS, "peer.test", ["carol"])
    ours = None
    try:
        with peer:
            ours = instance(work, smtp_tls_CAfile=f"{work}/ca.pem", smtp_tls_loglevel="1", smtp_sasl_auth_enable="yes",
                            smtp_sasl_security_options="noanonymous", smtp_sasl_password_maps=f"texthash:{work}/passwords",
                            smtp_connection_cache_on_demand="no")
            try:
                try_mechanisms(ours, peer)
                try_senders(ours, peer)
                try_wrong_password(ours, work)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"{error}\n--- our log ---\n{ours.log()[-5000:]}\n--- theirs ---\n{peer.log()}") from error
    finally:
        if ours:
            ours.close()
        network.close()


def deliver(ours, peer, sender="alice"):
    before = len(peer.mail("carol"))
    ours.send(f"{sender}@umaya.test", ["carol@peer.test"], "Subject: x\n\nhi\n")
    peer.wait_mail("carol", before + 1)
    ours.wait_empty()


def peer_saw(peer, method, user):
    wait_for(lambda: f"sasl_method={method}, sasl_username={user}" in peer.log(), 10, f"{method} as {user}")


def try_mechanisms(ours, peer):
    for level in ("none", "secure"):
        for mechanism in MECHANISMS:
            ours.set(smtp_tls_security_level=level, smtp_sasl_mechanism_filter=mechanism)
            ours.reload()
            deliver(ours, peer)
            peer_saw(peer, mechanism, "alice")
    ours.wait_log(r"Verified TLS connection established to mail\.peer\.test\[192\.0\.2\.20\]:25: TLSv1\.3 with cipher "
                  r"TLS_AES_256_GCM_SHA384 \(256/256 bits\) key-exchange X25519 server-signature ECDSA \(prime256v1\) "
                  r"server-digest SHA256")
    ours.set(smtp_sasl_mechanism_filter="")


def try_senders(ours, peer):
    ours.set(smtp_sender_dependent_authentication="yes", smtp_connection_cache_on_demand="yes")
    ours.reload()
    for sender in ("bob", "alice", "bob"):
        deliver(ours, peer, sender)
    peer_saw(peer, "SCRAM-SHA-256", "bob")
    lines = [line for line in peer.log().splitlines() if "sasl_username=" in line][-3:]
    assert [line.rsplit("sasl_username=", 1)[1] for line in lines] == ["bob", "alice", "bob"], lines


def try_wrong_password(ours, work):
    with open(f"{work}/passwords", "w") as f:
        f.write("mail.peer.test alice:looking-glass\n")
    ours.set(smtp_sasl_mechanism_filter="PLAIN")
    ours.reload()
    ours.send("alice@umaya.test", ["carol@peer.test"], "Subject: x\n\nhi\n")
    ours.wait_log(r"dsn=4\.7\.8, status=deferred \(SASL authentication failed; server mail\.peer\.test\[192\.0\.2\.20\] "
                  r"said: 535 5\.7\.8 Error: authentication failed", 20)
    assert "looking-glass" not in ours.log()


STORIES = {"log-in": log_in_everywhere}


class RealServers(peer_stories.Stories):
    script, packages = __file__, PACKAGES

    def test_every_mechanism_logs_in_at_postfix_with_dovecot(self):
        self.story("log-in")


if __name__ == "__main__":
    peer_stories.main(STORIES, PACKAGES)
