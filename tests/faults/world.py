"""world - the instance that the faults happen to: users, recipients of every fate, a next host"""

import contextlib
import os
import threading
import time

from smtp_peer import SmtpPeer
from umaya_instance import Instance, wait_for

DOMAIN, FAR = "example.test", "far.test"
USERS = [f"u{i}" for i in range(8)]
SPECIAL = ["forwards", "refuses", "slow"]
MEMBERS = USERS[:4]

SETTINGS = {
    "service_throttle_time": "1s",
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "2s",
    "queue_run_delay": "1s",
    "transport_retry_time": "1s",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_error_sleep_time": "0",
    "smtp_destination_recipient_limit": "5",
}
RECOVERY = 240  # seconds until the queue must be at rest again

FORWARD = {"forwards": "nobody-of-this-name\n", "refuses": '"|exit 67"\n', "slow": '"|{script}"\n'}
# Puts each message off at its first try; then delivers as a program should: whole and flushed, or not at all.
SLOW = """#!/bin/sh
umask 077
cd "{home}" || exit 75
new=$$.$(date +%s.%N)
trap 'rm -f Maildir/tmp/$new' EXIT
cat > Maildir/tmp/$new || exit 75
id=$(sed -n 's/^X-Ledger-Id: //p; /^$/q' Maildir/tmp/$new)
[ "$(tail -n 1 Maildir/tmp/$new)" = "end $id" ] || exit 75
mkdir "seen/$id" 2>/dev/null && exit 75
sync Maildir/tmp/$new && mv Maildir/tmp/$new Maildir/new/ && sync Maildir/new || exit 75
"""


def places_of(recipient, sender):
    """Where a message to the recipient belongs (accounts.py)."""
    local, _, domain = recipient.partition("@")
    if domain == FAR:
        kind = local.split("-")[0]
        return [("bounce", recipient, sender) if kind == "gone" else ("host", recipient)]
    if local == "list":
        return [("mailbox", f"{member}@{DOMAIN}") for member in MEMBERS]
    if local in ("forwards", "refuses"):
        return [("bounce", recipient, sender)]
    return [("mailbox", recipient)]


class NextHost(SmtpPeer):
    """Takes far.test's mail: grey-… at the second try, gone-… never, late-… once it is let in."""

    def __init__(self):
        self.tried = set()
        self.open = threading.Event()
        super().__init__()
        self.reply_to_rcpt = self._rcpt

    def _rcpt(self, address):
        kind = address.split("-")[0]
        if kind == "gone":
            return "550 5.1.1 no such user"
        with self.lock:
            first = address not in self.tried
            self.tried.add(address)
        if (kind == "late" and not self.open.is_set()) or (kind == "grey" and first):
            return "450 4.2.0 try again later"
        return "250 2.1.5 Ok"


class World:
    """An instance with its next host."""

    def __init__(self, start=True, main_cf=None, **options):
        self.peer = NextHost()
        settings = dict(SETTINGS, relayhost=f"[127.0.0.1]:{self.peer.port}", **(main_cf or {}))
        self.mail = Instance(users=USERS + SPECIAL, domain=DOMAIN, main_cf=settings, start=False,
                             aliases=f"list: {', '.join(MEMBERS)}\n", **options)
        self.mail.crashes_expected = True
        stat = os.stat(self.home("u0"))
        self.owner = (stat.st_uid, stat.st_gid)
        self.furnish_homes()
        if start:
            self.mail.start()

    def home(self, user):
        return self.mail.path("home", user)

    def furnish_homes(self):
        """The users' own files; makes homes that are not there."""
        def own(path, mode):
            os.chmod(path, mode)
            os.chown(path, *self.owner)

        for user in USERS + SPECIAL:
            if not os.path.isdir(self.home(user)):
                os.mkdir(self.home(user))
                own(self.home(user), 0o700)
        for directory in ("seen", "Maildir", "Maildir/new", "Maildir/tmp", "Maildir/cur"):
            os.mkdir(os.path.join(self.home("slow"), directory))
            own(os.path.join(self.home("slow"), directory), 0o700)
        for user, text in FORWARD.items():
            script = os.path.join(self.home(user), "deliver")
            with open(script, "w") as f:
                f.write(SLOW.format(home=self.home(user)))
            own(script, 0o700)
            with open(os.path.join(self.home(user), ".forward"), "w") as f:
                f.write(text.format(script=script))
            own(os.path.join(self.home(user), ".forward"), 0o600)

    def restart(self):
        """Starts again; orphans of the former master may still hold their locks for a moment."""
        end = time.monotonic() + 20
        while True:
            try:
                return self.mail.start()
            except (AssertionError, TimeoutError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)

    def complete(self, *queues):
        """Message files of these queues whose writers have finished them."""
        return self._files(queues, lambda mode: mode & 0o100)

    def unfinished(self):
        """Files that a crash left half written: never acknowledged, and passed over."""
        return self._files(("maildrop", "incoming"), lambda mode: not mode & 0o100)

    def _files(self, queues, wanted):
        found = []
        for queue in queues:
            for top, _, names in os.walk(self.mail.queue_path(queue)):
                for name in names:
                    with contextlib.suppress(FileNotFoundError):
                        if wanted(os.stat(os.path.join(top, name)).st_mode):
                            found.append(os.path.join(top, name))
        return found

    def _busy(self):
        """Messages that wait for something else than the next host's pleasure."""
        if self.complete("maildrop", "incoming"):
            return True
        try:
            return any(not r["address"].startswith("late-") for m in self.mail.mailq() for r in m["recipients"])
        except (AssertionError, ValueError):
            return True

    def _settle(self, busy, what):
        start = time.monotonic()
        try:
            self.mail.flush()
            wait_for(lambda: not busy(), RECOVERY, what, 0.2)
            return time.monotonic() - start
        except (TimeoutError, AssertionError) as error:
            files = self.complete("maildrop", "incoming", "active", "deferred")
            print(f"  {error}: {len(files)} files, {files[:20]}\n{self.mail.log()[-3000:]}")
            return None

    def settle(self):
        """Leaves the instance in peace until only late-… mail waits; seconds, None when more than that stays."""
        if not self.mail.master_pid():
            self.restart()
        return self._settle(self._busy, "all but the late mail is done")

    def let_late_mail_in(self):
        """The next host takes everything from now on; seconds until the queue is empty, None when something stays."""
        self.peer.open.set()
        return self._settle(lambda: self.complete("maildrop", "incoming", "active", "deferred"), "the queue empties")

    def close(self):
        self.mail.close()
        self.peer.close()
