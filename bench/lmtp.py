#!/usr/bin/env python3
"""lmtp - Umaya's lmtpd against Debian's Dovecot on this machine, in turn, into Maildirs of the same layout

    bench/lmtp.py [--build DIR] [--pairs 5] [--only one,ten,large] [--servers dovecot,umaya] [--json FILE]

Dovecot is unpacked from its packages into the build folder and run in private namespaces. Users share one uid. Clients
keep their connections, four at a time; each message is one that a queue hands over (it has a Received field). Needs
root. Figures are medians over the pairs; CPU is that of the whole tree of the server's processes.
"""

import email.utils
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "support")]

import pairs  # noqa: E402
from cpu import CpuMeter  # noqa: E402
from servers import SERVICES, SMTP_PORT, greets, wait_for  # noqa: E402

PACKAGES = ["dovecot-core", "dovecot-lmtpd"]
PORT = 2024
OWNER = 19010
USERS, CLIENTS = 200, 4


class Server:
    name = ""

    def __init__(self, work, build):
        self.work, self.mail, self.build = f"{work}/{self.name}", f"{work}/mail", build
        self.pid, self.meter = 0, None

    def clear(self):
        for directory in (self.work, self.mail):
            shutil.rmtree(directory, ignore_errors=True)
            os.makedirs(directory)
        os.chown(self.mail, OWNER, OWNER)

    def delivered(self):
        return sum(len(os.listdir(f"{self.mail}/{user}/new")) for user in os.listdir(self.mail))

    def seconds(self):
        return self.meter.seconds(self.pid)


class Dovecot(Server):
    name = "dovecot"

    def start(self):
        self.clear()
        with open(f"{self.work}/users", "w") as f:
            f.writelines(f"u{i}@bench.test::{OWNER}:{OWNER}::{self.mail}/u{i}\n" for i in range(USERS))
        with open(f"{self.work}/dovecot.conf", "w") as f:
            f.write(f"""
protocols = lmtp
listen = 127.0.0.1
base_dir = {self.work}/run
state_dir = {self.work}/state
log_path = {self.work}/log
ssl = no
first_valid_uid = 1
default_vsz_limit = 1G
mail_location = maildir:~/
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {self.work}/users
}}
service lmtp {{
  process_min_avail = {CLIENTS}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {PORT}
  }}
}}
""")
        self.meter = CpuMeter(self.name)
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", f"{self.work}/dovecot.conf"],
                                        preexec_fn=self.meter.join, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_for(lambda: greets(PORT), 20, "dovecot greets")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        time.sleep(0.5)
        self.meter.close()


class Umaya(Server):
    name = "umaya"

    def start(self):
        self.clear()
        config = f"{self.work}/etc"
        for name in ("etc", "spool", "data"):
            os.makedirs(f"{self.work}/{name}")
        with open(f"{config}/boxes", "w") as f:
            f.writelines(f"u{i}@bench.test u{i}/\n" for i in range(USERS))
        with open(f"{config}/main.cf", "w") as f:
            f.write(f"""
myhostname = mail.host.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
queue_directory = {self.work}/spool
data_directory = {self.work}/data
maillog_file = {self.work}/mail.log
virtual_mailbox_domains = bench.test
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = texthash:{config}/boxes
virtual_uid_maps = static:{OWNER}
virtual_gid_maps = static:{OWNER}
smtpd_tls_security_level = none
""")
        with open(f"{config}/master.cf", "w") as f:
            f.write(SERVICES.format(port=SMTP_PORT) + f"127.0.0.1:{PORT} inet n - n - - lmtpd\n")
        self.meter = CpuMeter(self.name)
        umaya = os.path.join(self.build, "bin", "umaya")
        started = subprocess.run([umaya, "-c", config, "start"], preexec_fn=self.meter.join, check=False,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if started.returncode != 0:
            raise RuntimeError(f"umaya start: {started.stdout}")
        with open(f"{self.work}/spool/pid/master.pid") as f:
            self.pid = int(f.read())
        wait_for(lambda: greets(PORT), 20, "lmtpd greets")

    def stop(self):
        subprocess.run([os.path.join(self.build, "bin", "umaya"), "-c", f"{self.work}/etc", "stop"], check=False,
                       stderr=subprocess.DEVNULL)
        wait_for(lambda: not os.path.exists(f"/proc/{self.pid}"), 20, "umaya stops")
        self.meter.close()


class Client:
    """One connection; the commands of an envelope go together, as mail servers send them."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.expect("220")
        self.socket.sendall(b"LHLO client.test\r\n")
        self.expect("250")

    def expect(self, code):
        while True:
            line = self.input.readline().decode()
            if not line.startswith(code):
                raise OSError(f"{code} was expected: {line}")
            if line[3] == " ":
                return

    def deliver(self, recipients, text):
        envelope = "MAIL FROM:<s@client.test>\r\n" + "".join(f"RCPT TO:<{r}>\r\n" for r in recipients) + "DATA\r\n"
        self.socket.sendall(envelope.encode())
        for _ in range(1 + len(recipients)):
            self.expect("250")
        self.expect("354")
        self.socket.sendall(text)
        for _ in recipients:
            self.expect("250")

    def quit(self):
        self.socket.sendall(b"QUIT\r\n")
        self.expect("221")
        self.socket.close()


def make_text(ident, size):
    head = (f"Received: from a (a [192.0.2.1])\r\n\tby front.test (Postfix) with ESMTP id {ident}; "
            f"{email.utils.formatdate()}\r\nFrom: s@client.test\r\nSubject: {ident}\r\n\r\n")
    return (head + ("x" * 74 + "\r\n") * (size // 76) + ".\r\n").encode()


def many(server, messages, recipients, size):
    """Each client sends so many messages, each to so many recipients."""
    failed = []

    def one_client(number):
        try:
            client = Client()
            for i in range(messages):
                first = number * 50 + i * recipients
                to = [f"u{(first + k) % USERS}@bench.test" for k in range(recipients)]
                client.deliver(to, make_text(f"{number}X{i:06}", size))
            client.quit()
        except OSError as error:
            failed.append(error)

    warm = Client()
    for i in range(0, USERS, 10):
        warm.deliver([f"u{k}@bench.test" for k in range(i, i + 10)], make_text(f"W{i:06}", 1000))
    warm.quit()
    before = server.delivered()
    cpu, begin = server.seconds(), time.monotonic()
    threads = [threading.Thread(target=one_client, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, cpu = time.monotonic() - begin, server.seconds() - cpu
    count = messages * recipients * CLIENTS
    if failed or server.delivered() - before != count:
        raise RuntimeError(f"{server.name}: {failed} {server.delivered() - before} of {count}")
    return {"CPU ms": 1000 * cpu / count, "deliveries/s": count / elapsed}


PLAN = {
    "one": lambda server: many(server, 500, 1, 4000),
    "ten": lambda server: many(server, 60, 10, 4000),
    "large": lambda server: many(server, 40, 1, 1000000),
}


def main():
    options = pairs.arguments("Compare lmtpd with Debian's Dovecot on this machine.", PLAN, "dovecot,umaya").parse_args()
    work = pairs.enter("bench-lmtp", options, PACKAGES)
    if work is None:
        return 0
    pairs.prepare_mailboxes(work, OWNER)
    made = {"dovecot": Dovecot, "umaya": Umaya}
    servers = [made[name](work, options.build) for name in options.servers.split(",")]
    pairs.compare(options, servers, lambda name: options.pairs, pairs.started(lambda name, server: PLAN[name](server)))
    shutil.rmtree(f"{work}/mail", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
