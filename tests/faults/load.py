"""load - senders that keep a ledger, and the check of the ledger against the mailboxes"""

import collections
import hashlib
import os
import random
import re
import smtplib
import subprocess
import threading
import time

from umaya_instance import BUILD

USERS = ["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7"]
ID = re.compile(rb"^X-Ledger-Id: (\S+)\r?$", re.MULTILINE)


def body_hash(raw):
    """Of the text after the headers, with LF line ends."""
    text = raw.replace(b"\r\n", b"\n").split(b"\n\n", 1)
    return hashlib.sha256(text[1] if len(text) == 2 else b"").hexdigest()


class Ledger:
    """Lines "id hash recipient …", each written before the next message is begun."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.file = open(path, "w", buffering=1)
        self.acknowledged = {}  # id -> (hash, recipients)
        self.refused = collections.Counter()

    def add(self, identity, digest, recipients):
        with self.lock:
            self.acknowledged[identity] = (digest, recipients)
            self.file.write(f"{identity} {digest} {' '.join(recipients)}\n")

    def refuse(self, why):
        with self.lock:
            self.refused[why] += 1

    def __len__(self):
        with self.lock:
            return len(self.acknowledged)


class Senders:
    """Threads that send without pause until stop(); an error means "not acknowledged", and the next message follows."""

    def __init__(self, mail, ledger, count, sendmail_share=0.1, domain="example.test"):
        self.mail, self.ledger, self.sendmail_share, self.domain = mail, ledger, sendmail_share, domain
        self.running = True
        self.serial = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join(60)

    def _next(self):
        with self.lock:
            self.serial += 1
            serial = self.serial
        identity = f"L{serial}-{random.getrandbits(48):012x}"
        recipients = random.sample(USERS, random.choice((1, 1, 1, 2, 4)))
        lines = [f"line {i} {'.' * (i % 5)}" for i in range(random.choice((1, 5, 60, 600)))] + [f"end {identity}"]
        body = "\n".join(lines) + "\n"
        text = f"X-Ledger-Id: {identity}\nFrom: u0@{self.domain}\nSubject: {identity}\n\n{body}"
        return identity, hashlib.sha256(body.encode()).hexdigest(), recipients, text

    def _run(self, number):
        client = None
        while self.running:
            identity, digest, recipients, text = self._next()
            try:
                if random.random() < self.sendmail_share:
                    self._sendmail(recipients, text)
                else:
                    client = client or smtplib.SMTP("127.0.0.1", self.mail.port, local_hostname=f"s{number}.test", timeout=20)
                    client.sendmail(f"u0@{self.domain}", [f"{r}@{self.domain}" for r in recipients], text)
                self.ledger.add(identity, digest, recipients)
            except (OSError, smtplib.SMTPException) as error:
                self.ledger.refuse(type(error).__name__ + str(getattr(error, "smtp_code", "")))
                if client:
                    client.close()
                client = None
                time.sleep(0.02)

    def _sendmail(self, recipients, text):
        done = subprocess.run([os.path.join(BUILD, "bin", "sendmail"), "-C", self.mail.config, "-i", "-f",
                               f"u0@{self.domain}", *recipients], input=text.encode(), capture_output=True, timeout=60)
        if done.returncode != 0:
            raise OSError(f"sendmail {done.returncode}")


class Findings:
    def __init__(self):
        self.lost, self.damaged, self.copies, self.unknown = [], [], 0, 0

    def __str__(self):
        return (f"{len(self.lost)} lost, {len(self.damaged)} damaged, {self.copies} extra copies, "
                f"{self.unknown} delivered without acknowledgement")


def check(mail, ledger, users=USERS):
    """Reads all mailboxes and compares. What was delivered though not acknowledged is no fault."""
    seen = collections.defaultdict(list)  # (id, user) -> hashes
    for user in users:
        for raw in mail.raw_mail(user):
            found = ID.search(raw)
            if found:
                seen[(found.group(1).decode(), user)].append(body_hash(raw))
    findings = Findings()
    for identity, (digest, recipients) in ledger.acknowledged.items():
        for user in recipients:
            hashes = seen.pop((identity, user), [])
            if not hashes:
                findings.lost.append((identity, user))
            if any(h != digest for h in hashes):
                findings.damaged.append((identity, user))
            findings.copies += max(0, len(hashes) - 1)
    findings.unknown = len(seen)
    return findings
