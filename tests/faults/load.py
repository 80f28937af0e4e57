"""load - senders that keep a ledger"""

import collections
import hashlib
import os
import random
import smtplib
import subprocess
import threading
import time

from accounts import Entry
from umaya_instance import BUILD
from world import DOMAIN, FAR, USERS


class Ledger:
    """What was acknowledged; on disk one line for each message, written before its sender begins the next one."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.file = open(path, "w", buffering=1)
        self.entries = []
        self.refused = collections.Counter()
        self.crashes = 0  # so far; the faults count here
        self.down = False  # nothing runs; the faults say so
        self.while_down = 0  # accepted by sendmail meanwhile
        self.cut = False  # the power is off: an answer that comes now could not have come
        self.after_cut = 0

    def add(self, entry):
        with self.lock:
            if self.cut:
                self.after_cut += 1
                return
            self.entries.append(entry)
            self.file.write(f"{entry}\n")

    def refuse(self, why):
        with self.lock:
            self.refused[why] += 1

    def __len__(self):
        with self.lock:
            return len(self.entries)

    def close(self):
        self.file.close()
        os.unlink(self.path)


def some_recipients(serial):
    """Mostly users; now and then a list, one that fails for good, one that is put off, somebody at the next host."""
    dice = random.random()
    if dice < 0.05:
        return [f"list@{DOMAIN}"]
    names = [f"{user}@{DOMAIN}" for user in random.sample(USERS, random.choice((1, 1, 1, 2, 4)))]
    if dice < 0.10:
        names.append(random.choice((f"forwards@{DOMAIN}", f"refuses@{DOMAIN}", f"gone-{serial}@{FAR}")))
    elif dice < 0.12:
        names.append(f"slow@{DOMAIN}")
    elif dice < 0.27:
        names += [f"r{i}-{serial}@{FAR}" for i in range(random.choice((1, 1, 3, 8)))]
    elif dice < 0.30:
        names.append(f"grey-{serial}@{FAR}")
    elif dice < 0.305:
        names.append(f"late-{serial}@{FAR}")
    if dice < 0.20 and random.random() < 0.5:
        del names[:-1]  # alone
    return names


class Senders:
    """Threads that send without pause until stop(); an error means "not acknowledged", and the next message follows."""

    def __init__(self, mail, ledger, count, sendmail_share=0.1):
        self.mail, self.ledger, self.sendmail_share = mail, ledger, sendmail_share
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
        lines = [f"line {i} {'.' * (i % 5)}" for i in range(random.choice((1, 5, 60, 600)))] + [f"end {identity}"]
        body = "\n".join(lines) + "\n"
        sender = f"{random.choice(USERS)}@{DOMAIN}"
        text = f"X-Ledger-Id: {identity}\nFrom: {sender}\nSubject: {identity}\n\n{body}"
        digest = hashlib.sha256(body.encode()).hexdigest()
        return Entry(identity, digest, sender, some_recipients(identity), self.ledger.crashes), text

    def _run(self, number):
        client = None
        while self.running:
            entry, text = self._next()
            try:
                if random.random() < self.sendmail_share:
                    self.sendmail(entry, text)
                else:
                    client = client or smtplib.SMTP("127.0.0.1", self.mail.port, local_hostname=f"s{number}.test", timeout=20)
                    # Recipients that were refused are the client's to send again.
                    refused = client.sendmail(entry.sender, entry.recipients, text)
                    entry.recipients = [r for r in entry.recipients if r not in refused]
                self.ledger.add(entry)
            except (OSError, smtplib.SMTPException) as error:
                self.ledger.refuse(describe(error))
                if client:
                    client.close()
                client = None
                time.sleep(0.02)

    def sendmail(self, entry, text):
        was_down = self.ledger.down
        done = subprocess.run([os.path.join(BUILD, "bin", "sendmail"), "-C", self.mail.config, "-i", "-f",
                               entry.sender, *entry.recipients], input=text.encode(), capture_output=True, timeout=60)
        if done.returncode != 0:
            raise OSError(f"sendmail {done.returncode}")
        if was_down and self.ledger.down:
            with self.ledger.lock:
                self.ledger.while_down += 1


def describe(error):
    """"452", "SMTPServerDisconnected", "sendmail 75" …"""
    if isinstance(error, smtplib.SMTPResponseException):
        return str(error.smtp_code)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return str(next(iter(error.recipients.values()))[0])
    return str(error) if str(error).startswith("sendmail") else type(error).__name__


def send_by_sendmail(mail, ledger, count):
    """For times when nothing runs."""
    senders = Senders(mail, ledger, 0)
    for _ in range(count):
        entry, text = senders._next()
        try:
            senders.sendmail(entry, text)
            ledger.add(entry)
        except OSError as error:
            ledger.refuse(describe(error))
