#!/usr/bin/env python3
"""pop3 - Umaya's pop3d against Debian's Dovecot on this machine, in turn, on the same mailboxes

    bench/pop3.py [--build DIR] [--pairs 5] [--only login,login-tls,stat,uidl,retr,retr-tls,idle]
                  [--servers dovecot,umaya] [--json FILE]

Dovecot is unpacked from its packages into the build folder and run in private namespaces, in its fast configuration:
log-in processes that serve many clients, mail processes that serve 200 sessions each. Users share one uid, passwords are
{PLAIN} in a passwd-file, as is the case for both. Needs root. Each scenario is run in pairs (one run of each server, in
alternating order); figures are medians over the pairs. CPU is that of the whole tree of the server's processes.
"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "support")]

import pairs  # noqa: E402
from cpu import CpuMeter, pss_kib, tree  # noqa: E402
from servers import SERVICES, SMTP_PORT, wait_for  # noqa: E402

PACKAGES = ["dovecot-core", "dovecot-pop3d"]
PORT, TLS_PORT = 2110, 2995
OWNER = 19010
SMALL, LARGE_BOX, LARGE_MAIL = 2000, 10000, 200
SMALL_TEXT = "From: a@example.org\nTo: b@example.org\nSubject: one\n\n" + "a line of some length for the body\n" * 20


# mailboxes


def make_maildir(root, user, texts):
    base = f"{root}/{user}"
    for name in ("tmp", "new", "cur"):
        os.makedirs(f"{base}/{name}", exist_ok=True)
    for i, text in enumerate(texts):
        size = len(text)
        unique = f"{1700000000 + 97 * i}.M{i * 7919 % 1000000}P{1000 + i * 31 % 30000}.mail.bench.test"
        path = f"{base}/cur/{unique},S={size},W={size + text.count(chr(10))}:2,"
        with open(path, "w") as f:
            f.write(text)
    for directory, names, files in os.walk(base):
        os.chown(directory, OWNER, OWNER)
        for name in files:
            os.chown(os.path.join(directory, name), OWNER, OWNER)


def make_mailboxes(root, scenarios):
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    os.chown(root, OWNER, OWNER)
    if {"login", "login-tls", "idle"} & scenarios:
        for i in range(SMALL):
            make_maildir(root, f"u{i}", [SMALL_TEXT])
    if {"stat", "uidl"} & scenarios:
        # Of many sizes, as mail is: Dovecot's hash of a file name lives on the sizes in it.
        make_maildir(root, "big", (SMALL_TEXT + "x" * (i * 7919 % 4001) + "\n" for i in range(LARGE_BOX)))
    if {"retr", "retr-tls"} & scenarios:
        megabyte = "Subject: large\n\n" + ("x" * 75 + "\n") * (1024 * 1024 // 76)
        make_maildir(root, "large", [megabyte] * LARGE_MAIL)


def users_file(path, root):
    users = [f"u{i}" for i in range(SMALL)] + ["big", "large"]
    with open(path, "w") as f:
        for user in users:
            f.write(f"{user}:{{PLAIN}}secret:{OWNER}:{OWNER}::{root}/{user}::userdb_mail=maildir:{root}/{user}\n")
    os.chmod(path, 0o644)


def make_certificate(work):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    f"{work}/key.pem", "-out", f"{work}/cert.pem", "-days", "30", "-subj", "/CN=mail.bench.test"],
                   check=True, capture_output=True)
    with open(f"{work}/chain.pem", "w") as f:
        for name in ("key.pem", "cert.pem"):
            with open(f"{work}/{name}") as part:
                f.write(part.read())
    os.chmod(f"{work}/chain.pem", 0o600)


# servers


class Dovecot:
    name = "dovecot"

    def __init__(self, work, mail):
        self.work, self.mail, self.pid, self.meter = f"{work}/dovecot", mail, 0, None
        self.certificates = work

    def start(self):
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        users_file(f"{self.work}/users", self.mail)
        with open(f"{self.work}/dovecot.conf", "w") as f:
            f.write(f"""
protocols = pop3
listen = 127.0.0.1
base_dir = {self.work}/run
state_dir = {self.work}/state
log_path = {self.work}/log
ssl = yes
ssl_cert = <{self.certificates}/cert.pem
ssl_key = <{self.certificates}/key.pem
disable_plaintext_auth = no
mail_max_userip_connections = 0
default_process_limit = 3000
default_client_limit = 6000
auth_mechanisms = plain login
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {self.work}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {self.work}/users
}}
service pop3-login {{
  service_count = 0
  client_limit = 4000
  process_min_avail = 2
  process_limit = 2
  inet_listener pop3 {{
    port = {PORT}
  }}
  inet_listener pop3s {{
    port = {TLS_PORT}
    ssl = yes
  }}
}}
service pop3 {{
  service_count = 200
  process_min_avail = 4
}}
""")
        self.meter = CpuMeter(self.name)
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", f"{self.work}/dovecot.conf"],
                                        preexec_fn=self.meter.join, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_for(greets, 20, "dovecot greets")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        time.sleep(0.5)
        self.meter.close()

    def build_index(self, user):
        """What an IMAP server that looks at the mailbox now and then would have left: index, sizes in its cache."""
        for words in (["index", "-u", user, "INBOX"], ["flags", "add", "-u", user, "\\Seen", "mailbox", "INBOX", "all"],
                      ["fetch", "-u", user, "size.virtual uid", "mailbox", "INBOX"]):
            subprocess.run(["/usr/bin/doveadm", "-c", f"{self.work}/dovecot.conf", *words], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    idle_sessions = 200


class Umaya:
    name = "umaya"
    idle_sessions = 2000

    def __init__(self, work, mail, build):
        self.work, self.mail, self.build, self.pid, self.meter = f"{work}/umaya", mail, build, 0, None
        self.certificates = work
        self.umaya = os.path.join(build, "bin", "umaya")

    def start(self):
        shutil.rmtree(self.work, ignore_errors=True)
        config = f"{self.work}/etc"
        for name in ("etc", "spool", "data"):
            os.makedirs(f"{self.work}/{name}")
        users_file(f"{self.work}/users", self.mail)
        with open(f"{config}/main.cf", "w") as f:
            f.write(f"""
myhostname = mail.bench.test
mydestination = bench.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
queue_directory = {self.work}/spool
data_directory = {self.work}/data
maillog_file = {self.work}/mail.log
auth_passwd_file = {self.work}/users
virtual_mailbox_base = {self.mail}
smtpd_tls_chain_files = {self.certificates}/chain.pem
pop3_tls_security_level = may
pop3_login_address_limit = 4000
pop3_login_limit = 4000
""")
        with open(f"{config}/master.cf", "w") as f:
            f.write(SERVICES.format(port=SMTP_PORT) + f"""
127.0.0.1:{PORT} inet n - n - - pop3d
127.0.0.1:{TLS_PORT} inet n - n - - pop3d -o pop3_tls_wrappermode=yes
auth unix - - n - 0 authd
""")
        self.meter = CpuMeter(self.name)
        started = subprocess.run([self.umaya, "-c", config, "start"], preexec_fn=self.meter.join, check=False,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if started.returncode != 0:
            raise RuntimeError(f"umaya start: {started.stdout}")
        with open(f"{self.work}/spool/pid/master.pid") as f:
            self.pid = int(f.read())
        wait_for(greets, 20, "pop3d greets")

    def build_index(self, user):
        """Made by the first session."""

    def stop(self):
        subprocess.run([self.umaya, "-c", f"{self.work}/etc", "stop"], check=False, stderr=subprocess.DEVNULL)
        wait_for(lambda: not os.path.exists(f"/proc/{self.pid}"), 20, "umaya stops")
        self.meter.close()


def greets():
    try:
        with socket.create_connection(("127.0.0.1", PORT), 1) as s:
            return s.recv(3) == b"+OK"
    except OSError:
        return False


# clients

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


class Client:
    def __init__(self, user, tls=False):
        self.socket = socket.create_connection(("127.0.0.1", TLS_PORT if tls else PORT), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = CONTEXT.wrap_socket(self.socket)
        self.rest = b""
        self.line()
        self.command(f"USER {user}")
        self.command("PASS secret")

    def line(self):
        while b"\n" not in self.rest:
            block = self.socket.recv(65536)
            if not block:
                raise OSError("closed")
            self.rest += block
        line, self.rest = self.rest.split(b"\n", 1)
        if not line.startswith(b"+OK"):
            raise OSError(line.decode())
        return line

    def command(self, text):
        self.socket.sendall(text.encode() + b"\r\n")
        return self.line()

    def multi(self, text):
        """The answer to a multi-line command is read and thrown away; gives its size."""
        self.command(text)
        size, tail, self.rest = len(self.rest), self.rest[-5:], b""
        while tail != b"\r\n.\r\n":
            block = self.socket.recv(1 << 18)
            if not block:
                raise OSError("closed")
            size += len(block)
            tail = (tail + block)[-5:]
        return size

    def quit(self):
        self.command("QUIT")
        self.socket.close()


def log_in_and_out(count, tls, first, action):
    for i in range(count):
        client = Client(f"u{first + i % 400}", tls)
        action(client)
        client.quit()


# scenarios: each gives figures of one run


def with_cpu(server, work):
    cpu, begin = server.meter_seconds(), time.monotonic()
    work()
    return server.meter_seconds() - cpu, time.monotonic() - begin


def logins(server, tls):
    count, clients = (300 if tls else 800), 4

    def everybody(each):
        threads = [threading.Thread(target=log_in_and_out, args=(each, tls, 400 * i, lambda c: c.command("STAT")))
                   for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    everybody(min(count, 400))  # every mailbox has its index
    cpu, elapsed = with_cpu(server, lambda: everybody(count))
    return {"CPU ms": 1000 * cpu / (count * clients), "log-ins/s": count * clients / elapsed}


def big_box(server, action, count):
    def once():
        client = Client("big")
        action(client)
        client.quit()

    once()
    server.build_index("big")
    for _ in range(3):
        once()
    time.sleep(1.2)  # an index looks again at a directory that changed in the same second
    once()
    cpu, elapsed = with_cpu(server, lambda: [once() for _ in range(count)])
    return {"CPU ms": 1000 * cpu / count, "log-ins/s": count / elapsed}


def retrieve(server, tls):
    def all_mail():
        client = Client("large", tls)
        for i in range(LARGE_MAIL):
            client.multi(f"RETR {i + 1}")
        client.quit()

    all_mail()
    cpu, elapsed = with_cpu(server, all_mail)
    return {"MB/s": LARGE_MAIL / elapsed, "CPU ms/MB": 1000 * cpu / LARGE_MAIL}


def idle(server):
    before = pss_kib(tree(server.pid))
    clients = [Client(f"u{i}") for i in range(server.idle_sessions)]
    for client in clients:
        client.command("STAT")
    time.sleep(2)
    after = pss_kib(tree(server.pid))
    for client in clients:
        client.quit()
    return {"PSS KiB/session": (after - before) / server.idle_sessions}


PLAN = {
    "login": (lambda server: logins(server, False), "CPU ms"),
    "login-tls": (lambda server: logins(server, True), "CPU ms"),
    "stat": (lambda server: big_box(server, lambda c: c.command("STAT"), 100), "CPU ms"),
    "uidl": (lambda server: big_box(server, lambda c: c.multi("UIDL"), 50), "CPU ms"),
    "retr": (lambda server: retrieve(server, False), "MB/s"),
    "retr-tls": (lambda server: retrieve(server, True), "MB/s"),
    "idle": (idle, "PSS KiB/session"),
}


def main():
    options = pairs.arguments("Compare pop3d with Debian's Dovecot on this machine.", PLAN, "dovecot,umaya").parse_args()
    work = pairs.enter("bench-pop3", options, PACKAGES)
    if work is None:
        return 0
    pairs.prepare_mailboxes(work, OWNER)
    mail = f"{work}/mail"
    make_mailboxes(mail, set(options.only.split(",")))
    make_certificate(work)
    made = {"dovecot": lambda: Dovecot(work, mail), "umaya": lambda: Umaya(work, mail, options.build)}
    servers = [made[name]() for name in options.servers.split(",")]
    for server in servers:
        server.meter_seconds = lambda s=server: s.meter.seconds(s.pid)
    pairs.compare(options, servers, lambda name: 1 if name == "idle" else options.pairs,
                  pairs.started(lambda name, server: PLAN[name][0](server)))
    shutil.rmtree(mail, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
