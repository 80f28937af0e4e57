"""mail_peers - other mail servers from Debian's packages, each in a throwaway directory inside a sandbox

    net = Network(work); net.add_addresses(); net.serve_names({"peer.test": "192.0.2.20"})
    with Postfix(work, "192.0.2.20", "peer.test", ["bob"]) as peer: …

Everything runs in the namespaces of tests/support/sandbox.py: port 25, /etc/resolv.conf and accounts are private.
A peer takes mail for its users into Maildirs and relays everything else for anybody.
"""

import contextlib
import fcntl
import imaplib
import os
import poplib
import shutil
import signal
import smtplib
import socket
import struct
import subprocess
import sys

from umaya_instance import BUILD, free_port, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

NAME_SERVER = "192.0.2.1"
OWNER = 19003  # uid and gid of everything that a peer owns
PACKAGES = ["postfix", "exim4-daemon-light", "opensmtpd"]
STORE = os.path.join(BUILD, "peers")
DOVECOT = ["dovecot-core", "dovecot-pop3d", "dovecot-imapd"]


def greets(address):
    try:
        with socket.create_connection((address, 25), 1) as s:
            return s.recv(3) == b"220"
    except OSError:
        return False


class Network:
    """Addresses on the loopback of this network namespace, and named-lite as everybody's name server."""

    def __init__(self, work):
        self.work = work
        self.names = None
        self.count = 0

    def add_address(self, address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            name = f"lo:{self.count}".encode()
            for request, value in ((0x8916, address), (0x891C, "255.255.255.255")):  # SIOCSIFADDR, SIOCSIFNETMASK
                fcntl.ioctl(s, request, struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(value)))
        self.count += 1

    def serve_names(self, zones):
        """zones: name -> zone file text."""
        self.add_address(NAME_SERVER)
        directory = os.path.join(self.work, "names")
        os.makedirs(directory)
        blocks = [f'options {{ directory "{directory}"; listen-on {{ {NAME_SERVER}; }}; recursion no; }};']
        for name, text in zones.items():
            with open(f"{directory}/{name}.zone", "w") as f:
                f.write(text)
            blocks.append(f'zone "{name}" {{ type master; file "{name}.zone"; }};')
        with open(f"{directory}/named.conf", "w") as f:
            f.write("\n".join(blocks) + "\n")
        log = open(f"{directory}/log", "w")
        self.names = subprocess.Popen([os.path.join(BUILD, "libexec", "named-lite"), "-g", "-c",
                                       f"{directory}/named.conf"], stdout=log, stderr=log,
                                      preexec_fn=sandbox.die_with_parent)
        resolv = os.path.join(self.work, "resolv.conf")
        with open(resolv, "w") as f:
            f.write(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:2\n")
        sandbox.bind(resolv, "/etc/resolv.conf")
        wait_for(lambda: socket_answers(NAME_SERVER, next(iter(zones))), 10, "named-lite answers")

    def close(self):
        if self.names:
            self.names.terminate()
            self.names.wait()


def socket_answers(server, zone):
    query = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(p)]) + p.encode() for p in zone.split(".")) + b"\0\0\6\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        try:
            s.sendto(query, (server, 53))
            return s.recv(512)[3] & 15 == 0
        except OSError:
            return False


def mail_zone(domain, address, host="mail", extra=""):
    """A domain with one MX host."""
    return (f"$TTL 60\n@ IN SOA ns.{domain}. hostmaster.{domain}. 1 3600 900 604800 60\n@ IN NS ns.{domain}.\n"
            f"ns IN A {NAME_SERVER}\n@ IN MX 10 {host}\n{host} IN A {address}\n{extra}")


def reverse_zone(hosts):
    """192.0.2.0/24: last octet -> name."""
    lines = "".join(f"{octet} IN PTR {name}.\n" for octet, name in hosts.items())
    return ("$TTL 60\n@ IN SOA ns.peer.test. hostmaster.peer.test. 1 3600 900 604800 60\n@ IN NS ns.peer.test.\n" + lines)


class Peer:
    name = ""

    def __init__(self, work, address, domain, users):
        self.work = os.path.join(work, self.name)
        self.address, self.domain, self.users = address, domain, users
        self.mail_directory = os.path.join(self.work, "mail")
        os.makedirs(self.mail_directory)
        os.chmod(work, 0o755)
        os.chmod(self.work, 0o755)
        os.chown(self.mail_directory, OWNER, OWNER)
        self.log_path = os.path.join(self.work, "log")
        self.process = None

    def spawn(self, *command):
        log = open(self.log_path, "a")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        preexec_fn=sandbox.die_with_parent)

    def __enter__(self):
        self.configure()
        self.launch()
        try:
            wait_for(lambda: greets(self.address), 20, f"{self.name} greets")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()[-6000:]

    def send(self, sender, recipients, message):
        with smtplib.SMTP(self.address, 25, local_hostname="client.test", timeout=60) as client:
            client.sendmail(sender, recipients, message)

    def mail(self, user):
        directory = os.path.join(self.mail_directory, user, "new")
        if not os.path.isdir(directory):
            return []
        texts = []
        for name in sorted(os.listdir(directory)):
            with open(os.path.join(directory, name), "rb") as f:
                texts.append(f.read())
        return texts

    def wait_mail(self, user, count=1, seconds=30):
        wait_for(lambda: len(self.mail(user)) >= count, seconds, f"{self.name}: {user} has {count} messages")
        return self.mail(user)


class Postfix(Peer):
    name = "postfix"
    SERVICES = """\
{address}:25 inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

    def configure(self):
        config, spool, data = (os.path.join(self.work, d) for d in ("etc", "spool", "data"))
        for directory in (config, spool, data):
            os.mkdir(directory)
        owner, drop = 19001, 19002
        os.chown(data, owner, owner)
        for name in ("incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "flush", "saved",
                     "private"):
            os.mkdir(f"{spool}/{name}", 0o700)
            os.chown(f"{spool}/{name}", owner, 0)
        for name, mode in (("maildrop", 0o1730), ("public", 0o2710)):
            os.mkdir(f"{spool}/{name}")
            os.chown(f"{spool}/{name}", owner, drop)
            os.chmod(f"{spool}/{name}", mode)
        os.mkdir(f"{spool}/pid")
        mailboxes = " ".join(f"{{ {u}@{self.domain} = {u}/ }}" for u in self.users)
        settings = {
            "compatibility_level": "3.6", "meta_directory": "/etc/postfix", "shlib_directory": "/usr/lib/postfix",
            "daemon_directory": "/usr/lib/postfix/sbin", "queue_directory": spool, "data_directory": data,
            "myhostname": f"mail.{self.domain}", "mydestination": "", "mynetworks": "192.0.2.0/24",
            "inet_interfaces": self.address, "smtp_bind_address": self.address, "inet_protocols": "ipv4",
            "alias_maps": "", "alias_database": "", "virtual_mailbox_domains": self.domain,
            "virtual_mailbox_base": self.mail_directory, "virtual_mailbox_maps": "inline:{ " + mailboxes + " }",
            "virtual_uid_maps": f"static:{OWNER}", "virtual_gid_maps": f"static:{OWNER}",
            "maillog_file": "/dev/stdout", "smtputf8_enable": "yes"}
        settings["maillog_file"] = f"{self.work}/mail.log"
        settings["maillog_file_prefixes"] = self.work
        with open(f"{config}/main.cf", "w") as f:
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())
        with open(f"{config}/master.cf", "w") as f:
            f.write(self.SERVICES.format(address=self.address))
        self.log_path = f"{self.work}/mail.log"
        open(self.log_path, "w").close()
        self.config = config

    def launch(self):
        self.spawn("/usr/lib/postfix/sbin/master", "-c", self.config, "-d")


class Exim(Peer):
    name = "exim"
    CONFIG = """\
primary_hostname = mail.{domain}
local_interfaces = {address}
daemon_smtp_ports = 25
spool_directory = {work}/spool
log_file_path = {work}/log-%s
exim_user = peer
exim_group = peer
never_users = root
deliver_drop_privilege = true
keep_environment =
tls_advertise_hosts =
chunking_advertise_hosts = *
acl_smtp_rcpt = rcpt
domainlist local = {domain}
begin acl
rcpt:
  accept domains = +local
         verify = recipient
  deny   domains = +local
         message = unknown user
  accept
begin routers
users:
  driver = accept
  domains = +local
  local_parts = {users}
  transport = maildir
unknown:
  driver = redirect
  domains = +local
  allow_fail
  data = :fail: unknown user
others:
  driver = dnslookup
  domains = ! +local
  transport = remote
  no_more
begin transports
maildir:
  driver = appendfile
  directory = {work}/mail/$local_part_data
  maildir_format
  create_directory
remote:
  driver = smtp
  port = 25
  interface = {address}
begin retry
* * F,1h,5s
"""

    def configure(self):
        os.mkdir(f"{self.work}/spool")
        os.chown(self.work, OWNER, OWNER)
        os.chown(f"{self.work}/spool", OWNER, OWNER)
        self.config = f"{self.work}/exim.conf"
        with open(self.config, "w") as f:
            f.write(self.CONFIG.format(domain=self.domain, address=self.address, work=self.work,
                                       users=" : ".join(self.users)))

    def launch(self):
        self.spawn("/usr/sbin/exim4", "-C", self.config, "-bdf", "-q5s")

    def log(self):
        texts = []
        for name in ("log", "log-main", "log-panic", "log-reject"):
            path = f"{self.work}/{name}"
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    texts.append(f.read()[-4000:])
        return "\n".join(texts)


class OpenSmtpd(Peer):
    name = "opensmtpd"
    CONFIG = """\
table users file:{work}/users
table aliases file:{work}/aliases
listen on {address} port 25 hostname mail.{domain}
action "in" maildir "{work}/mail/%{{rcpt.user}}" virtual <aliases> userbase <users>
action "out" relay src {address} helo mail.{domain}
match from any for domain "{domain}" action "in"
match from any for any action "out"
"""

    def configure(self):
        for directory, mode, owner in (("/var/spool/smtpd", 0o711, (0, 0)), ("/var/lib/opensmtpd/empty", 0o755, (0, 0))):
            os.makedirs(directory, exist_ok=True)
            os.chown(directory, *owner)
            os.chmod(directory, mode)
        with open(f"{self.work}/users", "w") as f:
            f.writelines(f"{u} {OWNER}:{OWNER}:{self.work}\n" for u in self.users)
        with open(f"{self.work}/aliases", "w") as f:
            f.writelines(f"{u}@{self.domain} {u}\n" for u in self.users)
        with open("/etc/mailname", "w") as f:
            f.write(f"mail.{self.domain}\n")
        self.config = f"{self.work}/smtpd.conf"
        with open(self.config, "w") as f:
            f.write(self.CONFIG.format(domain=self.domain, address=self.address, work=self.work))
        os.chmod(self.config, 0o600)

    def launch(self):
        self.spawn("/usr/sbin/smtpd", "-d", "-v", "-f", self.config)


DOVECOT_MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]


class DovecotPasswords:
    """Dovecot as nothing but a keeper of passwords: its authentication socket, for {user: password}."""

    CONFIG = """\
base_dir = {work}/run
state_dir = {work}/run
log_path = {work}/log
protocols =
ssl = no
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovenull
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {work}/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home=/nonexistent
}}
service auth {{
  unix_listener {socket} {{
    mode = 0666
  }}
  inet_listener {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""

    def __init__(self, work, socket_path, port, users):
        self.work = os.path.join(work, "dovecot-passwords")
        os.makedirs(f"{self.work}/run")
        with open(f"{self.work}/users", "w") as f:
            f.writelines(f"{user}:{{PLAIN}}{password}\n" for user, password in users.items())
        self.socket_path = socket_path
        with open(f"{self.work}/dovecot.conf", "w") as f:
            f.write(self.CONFIG.format(work=self.work, mechanisms=" ".join(DOVECOT_MECHANISMS).lower(), owner=OWNER,
                                       socket=socket_path, port=port))

    def __enter__(self):
        log = open(f"{self.work}/log", "a")
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", f"{self.work}/dovecot.conf"],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        preexec_fn=sandbox.die_with_parent)
        try:
            wait_for(lambda: os.path.exists(self.socket_path), 20, "Dovecot's authentication socket")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error
        return self

    def __exit__(self, *_):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            children = [int(pid) for pid in f.read().split()]
        self.process.terminate()
        self.process.wait()
        for pid in children:  # the auth process would serve the connections that it has for half a minute
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def log(self):
        with open(f"{self.work}/log", errors="replace") as f:
            return f.read()[-4000:]


def private_var(work):
    """A writable layer over /var and /etc that is gone with the namespaces."""
    layer = os.path.join(work, "layer")
    os.makedirs(layer)
    sandbox.mount("tmpfs", layer, "tmpfs", "mode=755")
    for top in ("var", "etc"):
        for part in ("upper", "work"):
            os.makedirs(f"{layer}/{top}-{part}")
        sandbox.mount("overlay", f"/{top}", "overlay",
                      f"lowerdir=/{top},upperdir={layer}/{top}-upper,workdir={layer}/{top}-work")


class Dovecot:
    """POP3 and IMAP for one Maildir, on ports of the loopback; user "alice", password "secret". Started anew it knows
    nothing but what it has written beside the mail."""

    CONFIG = """\
base_dir = {work}/run
state_dir = {work}/state
log_path = {work}/log
protocols = pop3 imap
ssl = no
disable_plaintext_auth = no
default_login_user = dovenull
default_internal_user = dovecot
default_internal_group = dovecot
first_valid_uid = 1
first_valid_gid = 0
mail_location = {location}
maildir_stat_dirs = no
{settings}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop_port}
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap_port}
  }}
}}
service stats {{
  chroot =
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
"""

    def __init__(self, work, maildir, settings="", location=None):
        """location: of mail that is no Maildir; maildir is its file then."""
        self.work = os.path.join(work, "dovecot")
        self.maildir = maildir
        owner = os.stat(maildir)
        os.makedirs(self.work)
        os.chmod(self.work, 0o755)
        self.pop_port, self.imap_port = free_port(), free_port()
        with open(f"{self.work}/dovecot.conf", "w") as f:
            f.write(self.CONFIG.format(work=self.work, location=location or f"maildir:{maildir}", uid=owner.st_uid, gid=owner.st_gid,
                                       home=os.path.dirname(maildir), pop_port=self.pop_port, imap_port=self.imap_port,
                                       settings=settings))
        self.process = None

    def __enter__(self):
        out = open(f"{self.work}/out", "a")
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", f"{self.work}/dovecot.conf"], stdout=out,
                                        stderr=out, preexec_fn=sandbox.die_with_parent)
        try:
            wait_for(self.answers, 20, "dovecot greets")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error
        return self

    def answers(self):
        try:
            self.pop().quit()
            return True
        except (OSError, poplib.error_proto, EOFError):
            return False

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def pop(self):
        client = poplib.POP3("127.0.0.1", self.pop_port, timeout=60)
        client.user("alice")
        client.pass_("secret")
        return client

    def imap(self):
        client = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20)
        client.login("alice", "secret")
        client.select("INBOX")
        return client

    def log(self):
        text = ""
        for name in ("log", "out"):
            if os.path.exists(f"{self.work}/{name}"):
                with open(f"{self.work}/{name}", errors="replace") as f:
                    text += f.read()[-4000:]
        return text


def prepare(work, packages=None):
    """Inside the sandbox: packages, accounts, a /var of our own."""
    sandbox.loopback_up()
    roots = [os.path.join(STORE, package) for package in packages or PACKAGES]
    sandbox.add_packages(roots)
    private_var(work)
    users = [("postfix", 19001, 19001, "/"), ("peer", OWNER, OWNER, work), ("Debian-exim", 19004, 19004, "/"),
             ("opensmtpd", 19005, 19005, "/var/lib/opensmtpd/empty"), ("opensmtpq", 19006, 19006, "/"),
             ("dovecot", 19007, 19007, "/"), ("dovenull", 19008, 19008, "/")]
    groups = [("postfix", 19001), ("postdrop", 19002), ("peer", OWNER), ("Debian-exim", 19004), ("opensmtpd", 19005),
              ("opensmtpq", 19006), ("dovecot", 19007), ("dovenull", 19008)]
    sandbox.add_accounts(work, users, groups)
    sandbox.syslog_sink(sandbox.private_dev(work))


def remove(work):
    shutil.rmtree(work, ignore_errors=True)


