"""servers - the two mail systems that the benchmark drives: Debian's Postfix and this build of Umaya

Both get the same main.cf lines and the same master.cf services, each in a directory of its own, with the defaults of
the respective system for everything else (durability first of all). Runs inside tests/support/sandbox.py.
"""

import os
import shutil
import signal
import socket
import subprocess
import time

from cpu import CpuMeter, tree

SMTP_PORT = 2525
SINK_PORT = 2526
DOMAIN = "bench.test"

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
become    unix - n n - 0 become
virtual   unix - n n - - virtual
lmtp      unix - - n - - lmtp
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
"""

COMMON = {
    "myhostname": f"mail.{DOMAIN}",
    "mydestination": DOMAIN,
    "mynetworks": "127.0.0.0/8",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "alias_maps": "",
    "alias_database": "",
    "home_mailbox": "Maildir/",
    "relayhost": f"[127.0.0.1]:{SINK_PORT}",
}


def wait_for(condition, seconds, what, pause=0.01):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            return s.recv(4).startswith(b"220")
    except OSError:
        return False


class Server:
    """One mail system in one directory: configure, start, measure, stop."""

    name = ""

    def __init__(self, work):
        self.work = os.path.join(work, self.name)
        self.config = os.path.join(self.work, "etc")
        self.queue = os.path.join(self.work, "spool")
        self.data = os.path.join(self.work, "data")
        self.pid = 0
        self.meter = None

    def configure(self, **settings):
        """Fresh directories; settings are main.cf lines on top of COMMON."""
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.config)
        self.make_directories()
        lines = dict(COMMON, queue_directory=self.queue, data_directory=self.data, **self.own_settings())
        lines.update(settings)
        with open(f"{self.config}/main.cf", "w") as f:
            f.writelines(f"{k} = {v}\n" for k, v in lines.items())
        with open(f"{self.config}/master.cf", "w") as f:
            f.write(SERVICES.format(port=SMTP_PORT))

    def make_directories(self):
        os.makedirs(self.queue)
        os.makedirs(self.data)

    def start(self):
        self.meter = CpuMeter(self.name)
        self.pid = self.launch()
        wait_for(lambda: greets(SMTP_PORT), 20, f"{self.name} answers on port {SMTP_PORT}")

    def cpu_seconds(self):
        return self.meter.seconds(self.pid)

    def queued(self):
        """Messages in the queue that are on their way."""
        count = 0
        for name in ("maildrop", "incoming", "active", "deferred"):
            for _, _, files in os.walk(os.path.join(self.queue, name)):
                count += len(files)
        return count

    def is_idle(self):
        return self.queued() == 0

    def processes(self):
        return tree(self.pid)


class Postfix(Server):
    """Debian's Postfix, unpacked; master is run directly, because the start script wants an installed system."""

    name = "postfix"

    def own_settings(self):
        return {"compatibility_level": "3.6", "meta_directory": "/etc/postfix", "shlib_directory": "/usr/lib/postfix",
                "daemon_directory": "/usr/lib/postfix/sbin"}

    def make_directories(self):
        super().make_directories()
        owner, drop = 19001, 19002
        os.chown(self.data, owner, owner)
        for name in ("incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "flush", "saved",
                     "private"):
            os.mkdir(f"{self.queue}/{name}", 0o700)
            os.chown(f"{self.queue}/{name}", owner, 0)
        for name, mode in (("maildrop", 0o1730), ("public", 0o2710)):
            os.mkdir(f"{self.queue}/{name}")
            os.chown(f"{self.queue}/{name}", owner, drop)
            os.chmod(f"{self.queue}/{name}", mode)
        os.mkdir(f"{self.queue}/pid", 0o755)

    def launch(self):
        self.process = subprocess.Popen(["/usr/lib/postfix/sbin/master", "-c", self.config, "-d"],
                                        preexec_fn=self.meter.join, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.process.pid

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.process.wait()
        time.sleep(0.3)
        self.meter.close()


class Umaya(Server):
    """This build, started as an administrator would."""

    name = "umaya"

    def __init__(self, work, build):
        super().__init__(work)
        self.umaya = os.path.join(build, "bin", "umaya")

    def own_settings(self):
        return {}

    def launch(self):
        subprocess.run([self.umaya, "-c", self.config, "start"], preexec_fn=self.meter.join, check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(f"{self.queue}/pid/master.pid") as f:
            return int(f.read())

    def stop(self):
        subprocess.run([self.umaya, "-c", self.config, "stop"], check=False, stderr=subprocess.DEVNULL)
        wait_for(lambda: not os.path.exists(f"/proc/{self.pid}"), 20, "umaya stops")
        self.meter.close()
