"""authd and other servers: Postfix and Exim ask authd, our client asks Dovecot, PAM and shadow(5) know users of the system.

Each story runs in namespaces of its own. The servers are Debian's packages, unpacked into the build folder; nothing is
installed. Needs root.
"""

import base64
import os
import poplib
import re
import smtplib
import socket
import subprocess
import time

import mail_peers
import peer_stories
from auth_client import AuthSocket, Scram, encode, plain_message
from mail_peers import Exim, Network, Peer, Postfix, sandbox
from umaya_instance import BUILD, Instance, wait_for

OURS, THEIRS = "192.0.2.10", "192.0.2.20"
USERS = "alice:{PLAIN}secret:19003:19003\nbob:{PLAIN}geheim:19003:19003::::nologin\n"
MECHANISMS = "plain, login, cram-md5, scram-sha-1, scram-sha-256"
# The first that has a file gives it: Debian's light Exim cannot ask an authentication server.
PACKAGES = ["exim4-daemon-heavy", "dovecot-core", *mail_peers.PACKAGES]


class Login:
    """The client's side of SMTP AUTH, any mechanism."""

    def __init__(self, address):
        self.client = smtplib.SMTP(address, 25, local_hostname="client.test", timeout=60)
        self.client.ehlo()
        self.mechanisms = set(self.client.esmtp_features.get("auth", "").split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def ask(self, text):
        code, reply = self.client.docmd(text)
        return code, base64.b64decode(reply).decode() if code == 334 else reply.decode()

    def plain(self, user, password):
        return self.ask("AUTH PLAIN " + encode(plain_message(user, password)))[0]

    def login(self, user, password):
        assert self.ask("AUTH LOGIN")[0] == 334
        assert self.ask(encode(user))[0] == 334
        return self.ask(encode(password))[0]

    def cram_md5(self, user, password):
        import hmac
        code, challenge = self.ask("AUTH CRAM-MD5")
        assert code == 334, challenge
        return self.ask(encode(f"{user} {hmac.new(password.encode(), challenge.encode(), 'md5').hexdigest()}"))[0]

    def scram(self, mechanism, user, password):
        client = Scram(mechanism, user, password)
        code, challenge = self.ask(f"AUTH {mechanism} {encode(client.first())}")
        if code != 334:
            return code
        code, last = self.ask(encode(client.final(challenge)))
        if code != 334:
            return code
        assert client.is_proof(last), last
        return self.ask("")[0]


def attempts(address, mechanisms):
    """Each mechanism with the right and with a wrong password."""
    for mechanism in mechanisms:
        for password, expected in (("secret", 235), ("wrong", 535)):
            with Login(address) as login:
                if mechanism.startswith("SCRAM"):
                    code = login.scram(mechanism, "alice", password)
                else:
                    code = getattr(login, mechanism.lower().replace("-", "_"))("alice", password)
                assert code == expected, (mechanism, password, code)
    for user in ("nobody", "bob"):
        with Login(address) as login:
            assert login.plain(user, "geheim") == 535, user


def authd(work, users=USERS, mail_user="peer", **settings):
    """An instance that has nothing but authd; every account may ask it."""
    directory = os.path.join(work, "umaya")
    os.mkdir(directory)
    instance = Instance(users=[], directory=directory, start=False, main_cf={
        "auth_failure_delay": "0s", "auth_mechanisms": MECHANISMS, "auth_passwd_file": "$config_directory/users",
        **settings})
    instance.write("users", users)
    os.chmod(instance.path("users"), 0o640)
    os.chown(instance.path("users"), 0, 8)
    instance.start(wait=False)
    path = instance.queue_path("private", "auth")
    wait_for(lambda: os.path.exists(path), 20, "authd's socket is there")
    os.chmod(path, 0o666)
    return instance, path


class AuthPostfix(Postfix):
    def configure(self):
        super().configure()
        with open(f"{self.config}/main.cf", "a") as f:
            f.write(f"smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {self.socket}\n"
                    "smtpd_sasl_security_options = noanonymous\nsmtpd_sasl_mechanism_filter = !external, static:rest\n")


class AuthExim(Exim):
    AUTHENTICATORS = "begin authenticators\n" + "".join(
        f"{name}:\n  driver = dovecot\n  public_name = {public}\n  server_socket = {{socket}}\n  server_set_id = $auth1\n"
        for name, public in (("plain", "PLAIN"), ("login", "LOGIN"), ("cram", "CRAM-MD5")))

    def configure(self):
        super().configure()
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write("auth_advertise_hosts = *\n" + text + self.AUTHENTICATORS.format(socket=self.socket))


class Dovecot(Peer):
    name = "dovecot"
    CONFIG = """\
base_dir = {work}/run
state_dir = {work}/run
log_path = {work}/log
protocols =
ssl = no
disable_plaintext_auth = no
default_internal_user = peer
default_internal_group = peer
default_login_user = peer
first_valid_uid = 1
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_verbose = yes
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {work}/users
}}
userdb {{
  driver = passwd-file
  args = {work}/users
}}
service auth {{
  unix_listener {work}/auth {{
    mode = 0666
  }}
  unix_listener {work}/umaya-login {{
    mode = 0666
  }}
  unix_listener {work}/umaya-master {{
    mode = 0600
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0666
  }}
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

    def configure(self):
        self.config = f"{self.work}/dovecot.conf"
        with open(self.config, "w") as f:
            f.write(self.CONFIG.format(work=self.work))
        with open(f"{self.work}/users", "w") as f:
            f.write(f"alice:{{PLAIN}}secret:19003:19003::{self.work}::userdb_mail=maildir:{self.work}/alice\n")
        self.socket = f"{self.work}/auth"

    def __enter__(self):
        self.configure()
        self.spawn("/usr/sbin/dovecot", "-F", "-c", self.config)
        try:
            wait_for(lambda: os.path.exists(self.socket), 20, "dovecot's socket is there")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error
        return self


def with_peer(work, kind, mechanisms):
    network = Network(work)
    network.add_address(THEIRS)
    ours, socket = authd(work)
    kind.socket = socket
    try:
        with kind(work, THEIRS, "peer.test", ["carol"]) as peer:
            with Login(THEIRS) as login:
                assert set(mechanisms) <= login.mechanisms, (login.mechanisms, peer.log())
            attempts(THEIRS, mechanisms)
            # Several on one connection of the peer's process, a cancelled one between them.
            with Login(THEIRS) as login:
                assert login.ask("AUTH LOGIN")[0] == 334
                assert login.ask("*")[0] in (501, 535)
                assert login.plain("alice", "wrong") == 535
                assert login.plain("alice", "secret") == 235
            # Trouble of ours asks the client to try again later.
            os.rename(ours.path("users"), ours.path("gone"))
            with Login(THEIRS) as login:
                code = login.plain("alice", "secret")
                assert 400 <= code < 500, (code, peer.log(), ours.log())
            os.rename(ours.path("gone"), ours.path("users"))
            with Login(THEIRS) as login:
                assert login.plain("alice", "secret") == 235
    finally:
        ours.close()
        network.close()


def dovecot_serves_us(work):
    network = Network(work)
    with Dovecot(work, THEIRS, "peer.test", []) as peer:
        ours, _ = authd(work, auth_socket_path=peer.socket)
        try:
            right = ours.umaya("auth", "test", "alice", input="secret\n")
            assert right.returncode == 0, (right.stdout, right.stderr, peer.log())
            assert ours.umaya("auth", "test", "alice", input="wrong\n").returncode == 1
            assert ours.umaya("auth", "test", "nobody", input="secret\n").returncode == 1
            done = subprocess.run([f"{BUILD}/tests/test_auth", "[dovecot]"], capture_output=True, text=True,
                                  env=dict(os.environ, UMAYA_AUTH_SOCKET=peer.socket))
            assert done.returncode == 0, done.stdout + done.stderr + peer.log()
            assert "No tests ran" not in done.stdout, done.stdout
        finally:
            ours.close()
            network.close()


def dovecot_serves_pop3d(work):
    network = Network(work)
    with Dovecot(work, THEIRS, "peer.test", []) as peer:
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{peer.work}/alice/{part}")
        with open(f"{peer.work}/alice/new/1700000000.M1P1.peer.test", "w") as f:
            f.write("Subject: kept by Dovecot\n\ntext\n")
        for root, names, files in os.walk(f"{peer.work}/alice"):
            for name in (root, *(os.path.join(root, file) for file in files)):
                os.chown(name, 19003, 19003)
        directory = os.path.join(work, "umaya")
        os.mkdir(directory)
        ours = Instance(users=[], directory=directory, start=False, main_cf={
            "auth_socket_path": f"{peer.work}/umaya-login", "auth_master_socket_path": f"{peer.work}/umaya-master"},
            master_cf="127.0.0.1:1110 inet n - n - - pop3d\n")
        try:
            ours.start(wait=False)
            wait_for(lambda: b"+OK" in greeting(1110), 20, "pop3d greets")
            for _ in range(2):
                client = poplib.POP3("127.0.0.1", 1110, timeout=60)
                client.user("alice")
                client.pass_("secret")
                assert b"Subject: kept by Dovecot" in client.retr(1)[1], ours.log()
                assert client.quit().startswith(b"+OK")
            client = poplib.POP3("127.0.0.1", 1110, timeout=60)
            client.user("alice")
            try:
                client.pass_("wrong")
                raise AssertionError("a wrong password is taken")
            except poplib.error_proto as refused:
                assert b"[AUTH]" in refused.args[0], refused
            found = ours.umaya("auth", "lookup", "alice")
            assert f"mail maildir:{peer.work}/alice" in found.stdout, (found.stdout, found.stderr)
        finally:
            ours.close()
            network.close()


def greeting(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            return client.recv(512)
    except OSError:
        return b""


def add_system_user(work, name, password, locked=False):
    hashed = subprocess.run([f"{BUILD}/bin/umaya", "pw", "-s", "SHA512-CRYPT"], input=f"{password}\n".encode(),
                            capture_output=True, check=True).stdout.decode().strip().removeprefix("{SHA512-CRYPT}")
    home = os.path.join(work, name)
    os.makedirs(home, exist_ok=True)
    with open("/etc/passwd", "a") as f:
        f.write(f"{name}:x:{1500 + len(name)}:{1500 + len(name)}::{home}:/bin/sh\n")
    with open("/etc/shadow", "a") as f:
        f.write(f"{name}:{'!' if locked else ''}{hashed}:19000:0:99999:7:::\n")


def system_users(work, **settings):
    for name in ("shadow",):
        private = os.path.join(work, name)
        with open(f"/etc/{name}") as old, open(private, "w") as new:
            new.write(old.read())
        os.chmod(private, 0o600)
        sandbox.bind(private, f"/etc/{name}")
    add_system_user(work, "erika", "geheim")
    add_system_user(work, "locked", "geheim", locked=True)
    os.makedirs("/etc/pam.d", exist_ok=True)
    with open("/etc/pam.d/umaya", "w") as f:
        f.write("auth required pam_unix.so\naccount required pam_unix.so\n")
    with open("/etc/pam.d/umaya-slow", "w") as f:
        f.write("auth required pam_exec.so /bin/sleep 60\naccount required pam_permit.so\n")
    ours, socket = authd(work, auth_sources="passwd-file, system", passwd_file="", **settings)
    try:
        with AuthSocket(socket) as server:
            assert set(server.offered) == {"PLAIN", "LOGIN"}, server.offered
            for user, password, expected in (
                    ("erika", "geheim", "OK"), ("erika", "wrong", "FAIL"), ("erika", "geheim", "OK"),
                    ("locked", "geheim", "FAIL"), ("root", "geheim", "FAIL"), ("nobody-here", "x", "FAIL"),
                    ("erika", "", "FAIL"), ("alice", "secret", "OK"), ("daemon", "x", "FAIL")):
                answer = server.plain(user, password, rip="192.0.2.1")
                assert answer[0] == expected, (user, password, answer, ours.log())
                assert "code=temp_fail" not in answer, (user, answer, ours.log())
        found = ours.umaya("auth", "lookup", "erika", check=True).stdout.split()
        assert found == ["user", "erika", "uid", "1505", "gid", "1505", "home", os.path.join(work, "erika")], found
        # A changed password counts at once, remembered or not.
        with open("/etc/shadow") as f:
            text = f.read()
        with open("/etc/shadow", "w") as f:
            f.write(re.sub(r"^erika:[^:]*", "erika:!", text, flags=re.M))
        with AuthSocket(socket) as server:
            assert server.plain("erika", "geheim")[0] == "FAIL"
        def running():
            return [pid for pid, name in ours.daemons().items() if name == "authd-helper"]

        wait_for(lambda: len(running()) == 1, 10, "the children of the helper are gone")
        helpers = running()
        with open(f"/proc/{helpers[0]}/status") as f:
            assert re.search(r"^Uid:\s+0\s", f.read(), re.M)
        daemon = [pid for pid, name in ours.daemons().items() if name == "authd"]
        with open(f"/proc/{daemon[0]}/status") as f:
            assert not re.search(r"^Uid:\s+0\s", f.read(), re.M)
        # When the helper has died nobody is told "wrong password".
        os.kill(helpers[0], 9)
        with AuthSocket(socket) as server:
            assert "code=temp_fail" in server.plain("erika", "geheim")
            assert server.plain("alice", "secret")[0] == "OK"
    finally:
        ours.close()


def slow_pam(work):
    """A module that hangs: temporary, in the time that it was given; others are not kept waiting."""
    with open("/etc/shadow") as old:
        assert old.read()
    add_system_user(work, "erika", "geheim")
    os.makedirs("/etc/pam.d", exist_ok=True)
    with open("/etc/pam.d/umaya-slow", "w") as f:
        f.write("auth required pam_exec.so /bin/sleep 60\naccount required pam_permit.so\n")
    ours, socket = authd(work, auth_sources="passwd-file, system", passwd_file="", auth_pam_service="umaya-slow",
                         auth_system_timeout="2s")
    try:
        with AuthSocket(socket) as server:
            start = time.monotonic()
            server.start("PLAIN", plain_message("erika", "geheim"))
            quick = server.plain("alice", "secret")
            assert quick[0] == "OK", quick
            assert time.monotonic() - start < 1
            slow = server.line()
            assert "code=temp_fail" in slow, slow
            assert time.monotonic() - start < 6
    finally:
        ours.close()


STORIES = {"postfix": lambda work: with_peer(work, AuthPostfix, ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1",
                                                                 "SCRAM-SHA-256"]),
           "exim": lambda work: with_peer(work, AuthExim, ["PLAIN", "LOGIN", "CRAM-MD5"]),
           "dovecot": dovecot_serves_us, "dovecot-pop3d": dovecot_serves_pop3d, "pam": system_users,
           "shadow": lambda work: system_users(work, auth_pam_service=""), "slow-pam": slow_pam}


class Peers(peer_stories.Stories):
    script, packages = __file__, PACKAGES

    def test_postfix_authenticates_its_users_against_authd(self):
        self.story("postfix")

    def test_exim_authenticates_its_users_against_authd(self):
        self.story("exim")

    def test_our_client_authenticates_against_dovecot(self):
        self.story("dovecot")

    def test_pop3d_takes_users_from_dovecot(self):
        self.story("dovecot-pop3d")

    def test_users_of_the_system_log_in_through_pam(self):
        self.story("pam")

    def test_users_of_the_system_log_in_by_shadow(self):
        self.story("shadow")

    def test_a_hanging_pam_module_is_a_temporary_trouble_of_its_user_alone(self):
        self.story("slow-pam")


if __name__ == "__main__":
    peer_stories.main(STORIES, PACKAGES)
