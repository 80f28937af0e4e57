"""accounts - where messages are, and whether that is what the ledger demands

A ledger entry is an acknowledged message with its recipients. A place is where a message may be found:

    ("mailbox", user)            delivered to a user of the instance
    ("host", address)            taken over by the next host
    ("bounce", address, sender)  returned: a delivery report in the sender's mailbox names this recipient as failed
    ("queue", address)           still waiting in the queue

Each recipient has places where it belongs once all is quiet. It is lost when it is neither there nor in the queue. What
is found in a place more than once is a copy, whether its message was acknowledged or not. An acknowledged message that
is found where it does not belong, returned though the recipient exists, say, is misplaced.
"""

import collections
import email
import email.policy
import hashlib
import re

ID = re.compile(rb"^X-Ledger-Id: (\S+)\r?$", re.MULTILINE)
PENDING = re.compile(r"^recipient: (\S+)$", re.MULTILINE)


def body_hash(raw):
    """Of the text after the headers, with LF line ends."""
    text = raw.replace(b"\r\n", b"\n").split(b"\n\n", 1)
    return hashlib.sha256(text[1] if len(text) == 2 else b"").hexdigest()


class Entry:
    """An acknowledged message. crashes: how many there had been when its transmission began."""

    def __init__(self, identity, digest, sender, recipients, crashes=0):
        self.identity, self.digest, self.sender = identity, digest, sender
        self.recipients, self.crashes = recipients, crashes

    def __str__(self):
        return f"{self.identity} {self.digest} {self.sender} {' '.join(self.recipients)}"


class Evidence:
    """What was found: (message, place) -> hashes of the bodies; None where a place keeps no body."""

    def __init__(self):
        self.found = collections.defaultdict(list)

    def add(self, identity, place, digest=None):
        self.found[(identity, place)].append(digest)

    def add_mailbox(self, owner, messages):
        """owner: the address; messages: as they lie in the mailbox."""
        for raw in messages:
            head = raw.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0] + b"\n"
            delivered = ID.search(head)
            if delivered:
                self.add(delivered.group(1).decode(), ("mailbox", owner), body_hash(raw))
            else:
                self.add_report(owner, raw)

    def add_report(self, sender, raw):
        """A delivery report; a recipient counts under the address that it had at first."""
        returned = ID.search(raw)
        if not returned:
            return
        failed = set()
        for part in email.message_from_bytes(raw, policy=email.policy.SMTP).walk():
            if part.get_content_type() != "message/delivery-status":
                continue
            for group in part.get_payload():
                name = group.get("Original-Recipient") or group.get("Final-Recipient")
                if name and str(group.get("Action", "")).strip() == "failed":
                    failed.add(str(name).partition(";")[2].strip())
        for name in failed:
            self.add(returned.group(1).decode(), ("bounce", name, sender))

    def add_next_host(self, messages):
        """messages: of smtp_peer.SmtpPeer."""
        for message in messages:
            found = ID.search(message["data"])
            identity = found.group(1).decode() if found else "without an id"
            for address in message["recipients"]:
                self.add(identity, ("host", address), body_hash(message["data"]))

    def add_queue_file(self, shown):
        """shown: what postcat says of a queue file."""
        found = ID.search(shown.encode(errors="replace"))
        for address in PENDING.findall(shown.split("*** MESSAGE CONTENTS")[0]) if found else ():
            self.add(found.group(1).decode(), ("queue", address))


def gather(mail, users, peer):
    """Looks through the mailboxes, the next host and the queue of an instance at rest."""
    evidence = Evidence()
    for user in users:
        evidence.add_mailbox(f"{user}@{mail.domain}", mail.raw_mail(user))
    with peer.lock:
        evidence.add_next_host(peer.messages)
    for identities in mail.queued("incoming", "active", "deferred", "hold").values():
        for identity in identities:
            evidence.add_queue_file(mail.tool("postcat", "-q", identity).stdout)
    return evidence


class Findings:
    def __init__(self):
        self.lost, self.damaged, self.misplaced = [], [], []  # (message, place)
        self.copied, self.copies, self.most_copies = [], 0, 0
        self.beyond = []  # more copies of one than there were crashes in the message's life
        self.places = collections.Counter()
        self.unknown = 0

    def good(self):
        return not (self.lost or self.damaged or self.misplaced or self.beyond)

    def __str__(self):
        places = ", ".join(f"{self.places[kind]} {kind}" for kind in ("mailbox", "host", "bounce", "queue"))
        copied = collections.Counter(place[0] for _, place in self.copied)
        return (f"{len(self.lost)} lost, {len(self.damaged)} damaged, {len(self.misplaced)} misplaced, {self.copies} extra "
                f"copies ({dict(copied)}, at most {self.most_copies} of one, {len(self.beyond)} beyond its crashes), "
                f"{self.unknown} arrived without acknowledgement; found: {places}")


def check(entries, evidence, places_of, crashes):
    """Compares. places_of(recipient, sender): where it belongs, a list; crashes: how many there were in all."""
    findings = Findings()
    rest = dict(evidence.found)
    for entry in entries:
        for recipient in entry.recipients:
            for place in places_of(recipient, entry.sender):
                here = rest.pop((entry.identity, place), [])
                waits = any((entry.identity, ("queue", address)) in evidence.found for address in (recipient, place[1]))
                if not here and not waits:
                    findings.lost.append((entry.identity, place))
                else:
                    findings.places[place[0] if here else "queue"] += 1
                if any(digest not in (None, entry.digest) for digest in here):
                    findings.damaged.append((entry.identity, place))
                _count_copies(findings, entry.identity, place, len(here) - 1, crashes - entry.crashes)
    acknowledged = {entry.identity for entry in entries}
    for (identity, place), here in rest.items():
        if place[0] == "queue":
            continue
        if identity in acknowledged:
            findings.misplaced.append((identity, place))
        else:
            findings.unknown += 1
            _count_copies(findings, identity, place, len(here) - 1, crashes)
    return findings


def _count_copies(findings, identity, place, copies, allowed):
    if copies > 0:
        findings.copied.append((identity, place))
    findings.copies += max(0, copies)
    findings.most_copies = max(findings.most_copies, copies)
    if copies > allowed:
        findings.beyond.append((identity, place))
