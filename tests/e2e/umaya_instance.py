"""umaya_instance - a throwaway Umaya for end-to-end tests

    with Instance(users=["alice", "bob"]) as mail:
        mail.send("alice@example.test", ["bob@example.test"], "Subject: hello\n\nbody\n")
        message = mail.wait_mail("bob")[0]

An instance is a directory made by "umaya new": main.cf, master.cf, queue, users with Maildirs, a log, an SMTP port on the
loopback that was free. As root the daemons drop to accounts that every Debian has; otherwise all runs as the caller.
The build comes from $UMAYA_BUILD, or is ./build. close() stops the daemons, looks through the log for crashes and, in a
sanitizer build, for new reports, and removes the directory ($UMAYA_KEEP=1 keeps it).
"""

import contextlib
import email
import email.policy
import itertools
import json
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("UMAYA_BUILD", os.path.join(SOURCE, "build")))
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
REPORTS = os.path.join(BUILD, "sanitizer-reports")  # made by tests/support/sanitizer_reports.cc
SANITIZED = os.path.isdir(REPORTS)
# AddressSanitizer does not know the stacks on which OpenSSL runs handshakes, and says so once a process.
REMARK = re.compile(r"__asan_handle_no_return|^False positive error reports may follow|sanitizers/issues/189")
CRASH = re.compile(r"panic:|killed by signal|pid \d+ exit status|bad command startup")
CRASH_UNLESS_KILLED = re.compile(r"panic:|killed by signal (?!9$)", re.MULTILINE)
PATIENCE = float(os.environ.get("UMAYA_PATIENCE", "1"))  # sanitizer builds: 5

# Each of the (up to four) lanes of run_lanes.py has ports of its own; a module starts anywhere among them.
LANE_PORTS = 4000
LANE = int(os.environ.get("UMAYA_LANE", "0")) % 4


def ports_of_lane():
    first, start = 16000 + LANE * LANE_PORTS, random.randrange(LANE_PORTS)
    for i in itertools.count():
        yield first + (start + i) % LANE_PORTS


PORTS = ports_of_lane()


def wait_for(condition, seconds=10, what="condition", pause=0.02):
    """Waits until condition() is true and gives its value; TimeoutError with `what` otherwise."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def free_port():
    """A port that no TCP or UDP socket has, below those that the kernel gives to clients, and not given before."""
    while True:
        port = next(PORTS)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("0.0.0.0", port))
            return port
        except OSError:
            continue


def greets(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), 1) as s:
            return s.recv(4).startswith(b"220")
    except OSError:
        return False


def sanitizer_reports():
    """What the programs of a sanitizer build found so far: file name -> text. Empty for other builds."""
    found = {}
    if SANITIZED:
        for name in os.listdir(REPORTS):
            with open(os.path.join(REPORTS, name), errors="replace") as f:
                text = "".join(line for line in f if not REMARK.search(line))
            if text:
                found[name] = text
    return found


def parse(raw):
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


class Instance:
    def __init__(self, users=("alice", "bob"), domain="example.test", main_cf=None, master_cf="", aliases=None,
                 directory=None, start=True, without=()):
        """main_cf: parameters over those of "umaya new"; master_cf: lines to add, or with the same service and type to
        replace; aliases: lines for the alias file; without: services left out of master.cf."""
        self.domain = domain
        self.owns_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="umaya-e2e-")
        os.chmod(self.directory, 0o755)
        self.config = os.path.join(self.directory, "etc")
        self.port = free_port()
        self.crashes_expected = False  # True: the story kills daemons with SIGKILL
        self.old_reports = sanitizer_reports()
        self.tool("umaya", "-c", self.config, "new", f"domain={domain}", f"smtp={self.port}",
                  *[f"user={u}" for u in users], check=True)
        self.set(**(main_cf or {}))
        if aliases is not None:
            self.set(alias_database=f"hash:{self.path('aliases')}", alias_maps="$alias_database")
            self.write("aliases", aliases)
            self.tool("sendmail", program="newaliases", check=True)
        if master_cf or without:
            self.edit_master(master_cf, without)
        if start:
            self.start()

    # files

    def path(self, *parts):
        return os.path.join(self.config, *parts)

    def queue_path(self, *parts):
        return self.path("spool", *parts)

    def read(self, *parts):
        with open(self.path(*parts), errors="replace") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def set(self, **settings):
        """Appends parameters to main.cf; the last one wins."""
        with open(self.path("main.cf"), "a") as f:
            f.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def edit_master(self, lines, without=()):
        new = [line for line in lines.splitlines() if line.strip()]
        replaced = {tuple(line.split()[:2]) for line in new if not line[0].isspace()}
        kept, keep = [], True
        for line in self.read("master.cf").splitlines():
            if line and not line[0].isspace() and not line.startswith("#"):
                words = line.split()
                keep = tuple(words[:2]) not in replaced and words[0] not in without
            if keep:
                kept.append(line)
        self.write("master.cf", "\n".join(kept + new) + "\n")

    # programs

    def tool(self, name, *arguments, check=False, input=None, program=None, timeout=120, **options):
        """Runs one of build/bin's programs for this instance; program gives it another argv[0]."""
        environment = dict(os.environ, MAIL_CONFIG=self.config, **options.pop("env", {}))
        data = input.encode() if isinstance(input, str) else input
        if data is None:
            options.setdefault("stdin", subprocess.DEVNULL)
        else:
            options["input"] = data
        done = subprocess.run([program or os.path.join(BUILD, "bin", name), *arguments],
                              executable=os.path.join(BUILD, "bin", name), env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout * PATIENCE, **options)
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if check and done.returncode != 0:
            raise AssertionError(f"{name} {' '.join(arguments)}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def sendmail(self, *arguments, input="", **options):
        return self.tool("sendmail", *arguments, input=input, **options)

    def umaya(self, *arguments, **options):
        return self.tool("umaya", "-c", self.config, *arguments, **options)

    def master_pid(self):
        try:
            pid = int(self.read("spool", "pid", "master.pid"))
            os.kill(pid, 0)
            return pid
        except (OSError, ValueError):
            return None

    def start(self, wait=True):
        self.umaya("start", check=True)
        if wait:
            wait_for(lambda: greets(self.port), 20, f"smtpd greets on port {self.port}")

    def stop(self):
        if self.master_pid():
            self.umaya("stop")
            wait_for(lambda: not self.master_pid(), 20, "master ends")

    def reload(self):
        self.umaya("reload", check=True)

    def flush(self):
        """Tries everything deferred now; waits first for what is under way, which a flush does not touch."""
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not any(os.listdir(self.queue_path(q)) for q in ("incoming", "active")), 5)
        self.umaya("flush", check=True)

    def daemons(self):
        """Processes below master: pid -> program name."""
        found, todo = {}, [self.master_pid()]
        while todo:
            pid = todo.pop()
            with contextlib.suppress(OSError, TypeError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children") as f:
                        for child in f.read().split():
                            with open(f"/proc/{child}/comm") as name:
                                found[int(child)] = name.read().strip()
                            todo.append(int(child))
        return found

    def kill_all(self):
        """Power failure, as far as processes go."""
        pids = [self.master_pid(), *self.daemons()]
        for pid in pids:
            with contextlib.suppress(OSError, TypeError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(p and os.path.exists(f"/proc/{p}") and not is_zombie(p) for p in pids), 10,
                 "killed processes are gone")

    # mail in

    def smtp(self):
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test", timeout=60 * PATIENCE)

    def send(self, sender, recipients, message, mail_options=(), rcpt_options=()):
        if isinstance(recipients, str):
            recipients = [recipients]
        with self.smtp() as client:
            return client.sendmail(sender, recipients, message, mail_options, rcpt_options)

    # mail out

    def mailbox_path(self, user):
        return self.path("home", user, "Maildir", "new")

    def raw_mail(self, user):
        """Messages in a user's Maildir, oldest first, as bytes."""
        directory = self.mailbox_path(user)
        if not os.path.isdir(directory):
            return []
        names = sorted(os.listdir(directory), key=lambda n: os.stat(os.path.join(directory, n)).st_mtime_ns)
        found = []
        for name in names:
            with open(os.path.join(directory, name), "rb") as f:
                found.append(f.read())
        return found

    def mail(self, user):
        return [parse(raw) for raw in self.raw_mail(user)]

    def wait_mail(self, user, count=1, seconds=15):
        """Waits until the user has that many messages; gives them."""
        try:
            wait_for(lambda: len(self.raw_mail(user)) >= count, seconds, f"{user} has {count} messages")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n--- log ---\n{self.log()[-6000:]}") from error
        return self.mail(user)

    # queue and log

    def queued(self, *queues):
        """Names of message files: queue -> [id]."""
        found = {}
        for queue in queues or QUEUES:
            ids = [name for _, _, names in os.walk(self.queue_path(queue)) for name in names]
            if ids:
                found[queue] = ids
        return found

    def wait_empty(self, seconds=15):
        try:
            wait_for(lambda: not self.queued(), seconds, "the queue is empty")
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.queued()}\n--- log ---\n{self.log()[-6000:]}") from error

    def mailq(self):
        """What postqueue -j says, one dictionary for each message."""
        return [json.loads(line) for line in self.tool("postqueue", "-j", check=True).stdout.splitlines()]

    def log(self):
        try:
            return self.read("mail.log")
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, seconds=10, count=1):
        """Waits for lines that match; gives the matches."""
        expression = re.compile(pattern)
        try:
            wait_for(lambda: len(expression.findall(self.log())) >= count, seconds, f"log line {pattern!r}")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n--- log ---\n{self.log()[-6000:]}") from error
        return list(expression.finditer(self.log()))

    # end

    def close(self):
        try:
            self.stop()
        finally:
            crash = (CRASH_UNLESS_KILLED if self.crashes_expected else CRASH).search(self.log())
            context = self.log()[max(0, crash.start() - 2000):crash.end() + 500] if crash else ""
            if self.owns_directory and not os.environ.get("UMAYA_KEEP"):
                shutil.rmtree(self.directory, ignore_errors=True)
        if crash:
            raise AssertionError(f"a daemon crashed:\n{context}\n{self.new_reports()}")
        if reports := self.new_reports():
            raise AssertionError(f"the sanitizers found something:\n{reports}")

    def new_reports(self):
        return "\n".join(text for name, text in sanitizer_reports().items() if name not in self.old_reports)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def delivery_status(message):
    """The per-message and per-recipient fields of a DSN, as dictionaries."""
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            groups = [dict((k, str(v)) for k, v in group.items()) for group in part.get_payload()]
            return groups[0], [g for g in groups[1:] if g]
    raise AssertionError("no delivery status in:\n" + message.as_string())
