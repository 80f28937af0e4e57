"""One Maildir, two servers: what Dovecot and we show of it is the same, whoever had it in between, and at the same time.

Dovecot is Debian's, unpacked into the build folder and run in namespaces of its own. Needs root.
"""

import contextlib
import imaplib
import os
import poplib
import random
import signal
import threading
import time

import mail_peers
import peer_stories
from mail_peers import Dovecot
from pop3_test import PopInstance
from umaya_instance import wait_for

CLOSED = (poplib.error_proto, OSError, EOFError, imaplib.IMAP4.error, imaplib.IMAP4.abort)


class Box:
    """alice's Maildir, as deliveries and people with a shell see it."""

    def __init__(self, mail):
        self.path = mail.path("home", "alice", "Maildir")
        home = os.stat(mail.path("home", "alice"))
        for folder in ("", "/new", "/cur", "/tmp"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.path + folder, 0o700)
            os.chown(self.path + folder, home.st_uid, home.st_gid)
        self.owner = home.st_uid, home.st_gid
        self.count = 0
        self.lock = threading.Lock()

    def deliver(self, sizes=True):
        """Gives the base of the file's name."""
        with self.lock:
            self.count += 1
            number = self.count
        text = f"Subject: m{number}\nX-Number: {number}\n\nline\n.dot\n" + "x" * (number % 90) + "\n"
        base = f"{1700000000 + number}.M{number}P1.host"
        if sizes:
            base += f",S={len(text)},W={len(text) + text.count(chr(10))}"
        with open(f"{self.path}/tmp/{base}", "w") as f:
            f.write(text)
            os.fchown(f.fileno(), *self.owner)
        os.rename(f"{self.path}/tmp/{base}", f"{self.path}/new/{base}")
        return base

    def names(self):
        return os.listdir(self.path + "/new") + os.listdir(self.path + "/cur")

    def bases(self):
        return sorted(name.split(":")[0] for name in self.names())

    def flags(self):
        return {name.split(":")[0]: name.partition(":2,")[2] for name in self.names()}


def numbers_of(client):
    """Subject number -> (unique id, size) of each message in a POP3 session."""
    ids = [line.split()[1] for line in client.uidl()[1]]
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    shown = {}
    for i, (unique_id, size) in enumerate(zip(ids, sizes), 1):
        lines = client.retr(i)[1]
        assert sum(len(line) + 2 for line in lines) == size, (i, size, lines)
        number = next(line for line in lines if line.startswith(b"X-Number: "))
        shown[int(number.split()[1])] = (unique_id, size)
    assert client.stat() == (len(ids), sum(sizes))
    return shown


class History:
    """What was ever shown of each message."""

    def __init__(self, box):
        self.box, self.known = box, {}

    def check(self, server, client):
        shown = numbers_of(client)
        client.quit()
        assert len(shown) == len(self.box.names()), (server, len(shown), self.box.names())
        for number, what in shown.items():
            before = self.known.setdefault(number, what)
            assert before == what, f"{server}: message {number} is now {what}, was {before}"
        assert len({what[0] for what in shown.values()}) == len(shown)


def in_turn(work, mail, first):
    """Dovecot, we, Dovecot, we …, with deliveries, removals and flags in between."""
    box = Box(mail)
    history = History(box)
    settings = "pop3_uidl_format = %08Xu%08Xv"
    for i in range(10):
        box.deliver(sizes=i % 2 == 0)
    with Dovecot(work, box.path, settings) as dovecot:
        servers = {"dovecot": dovecot.pop, "umaya": mail.pop}
        order = ["dovecot", "umaya"] if first == "dovecot" else ["umaya", "dovecot"]
        for turn in range(7):
            name = order[turn % 2]
            history.check(name, servers[name]())
            if turn == 1:
                flag_by_imap(dovecot, box)
            if turn in (2, 3, 4):
                box.deliver(sizes=turn == 3)
                client = servers[order[(turn + 1) % 2]]()
                client.dele(2)
                client.quit()
                box.deliver()
        client = servers["umaya"]()
        history.check("umaya", client)
        flags_are_kept(dovecot, box)


def flag_by_imap(dovecot, box):
    client = dovecot.imap()
    client.store("1", "+FLAGS", r"(\Flagged \Seen)")
    client.store("9", "+FLAGS", r"(\Answered $Label)")
    client.logout()
    assert sum("F" in flags for flags in box.flags().values()) == 1, box.flags()


def flags_are_kept(dovecot, box):
    flags = box.flags()
    client = dovecot.imap()
    seen = client.fetch("1:*", "(FLAGS)")[1]
    client.logout()
    assert sum(b"\\Flagged" in line for line in seen) == 1, seen
    assert sum(b"\\Answered" in line and b"$Label" in line for line in seen) == 1, seen
    assert sorted(box.flags().values()) == sorted(flags.values())


def lost_lists(work, mail):
    """What we numbered keeps its ids without dovecot-uidlist, without our index, and without both."""
    box = Box(mail)
    history = History(box)
    for _ in range(5):
        box.deliver()
    history.check("umaya", mail.pop())
    for lost in (["dovecot-uidlist"], ["umaya-index"], ["dovecot-uidlist", "umaya-index"]):
        for name in lost:
            os.unlink(f"{box.path}/{name}")
        box.deliver()
        history.check(f"umaya without {lost}", mail.pop())
    with Dovecot(work, box.path) as dovecot:
        history.check("dovecot", dovecot.pop())


class MboxBox:
    """alice's mail in one file."""

    def __init__(self, mail):
        self.path = mail.path("home", "alice", "mbox")
        home = os.stat(mail.path("home", "alice"))
        self.count = 0
        with open(self.path, "w") as f:
            os.fchmod(f.fileno(), 0o600)
            os.fchown(f.fileno(), home.st_uid, home.st_gid)

    def deliver(self):
        self.count += 1
        n = self.count
        with open(self.path, "a") as f:
            f.write(f"From sender@far.test Thu Nov 26 10:00:{n:02} 2026\nReturn-Path: <sender@far.test>\n"
                    f"Message-Id: <{n}@far.test>\nSubject: m{n}\nX-Number: {n}\n\nline\n.dot\n>From there\n\n")

    def names(self):
        with open(self.path) as f:
            return [line for line in f if line.startswith("X-Number: ")]


def mbox_in_turn(work, mail):
    """Dovecot, we, Dovecot …: what Dovecot has numbered keeps its ids and its flags, also over a removal of ours."""
    box = MboxBox(mail)
    history = History(box)
    mail.write("users", f"alice:{{PLAIN}}secret::::::userdb_mail=mbox:{box.path}\n")
    location = f"mbox:{mail.path('home', 'alice', 'mail')}:INBOX={box.path}"
    for _ in range(6):
        box.deliver()
    with Dovecot(work, box.path, "mbox_lazy_writes = no", location=location) as dovecot:
        history.check("dovecot", dovecot.pop())
        client = dovecot.imap()
        client.store("2", "+FLAGS", r"(\Flagged \Seen)")
        client.logout()
        for turn in range(3):
            history.check("umaya", mail.pop())
            client = mail.pop()
            client.dele(4)
            client.quit()
            history.check("dovecot", dovecot.pop())
            box.deliver()
            history.check("dovecot", dovecot.pop())
            history.check("umaya", mail.pop())
        client = dovecot.imap()
        flags = client.fetch("1:*", "(FLAGS)")[1]
        client.logout()
        assert sum(b"\\Flagged" in line and b"\\Seen" in line for line in flags) == 1, flags


class Ledger:
    """What must be there, and what must be gone."""

    def __init__(self):
        self.lock = threading.Lock()
        self.delivered, self.asked, self.gone, self.ids, self.wrong = set(), set(), set(), {}, []

    def gone_by_now(self):
        with self.lock:
            return set(self.gone)

    def shown(self, base, unique_id, gone):
        """gone: what was gone before the session began."""
        with self.lock:
            if base in gone:
                self.wrong.append(f"{base} is back")
            before = self.ids.setdefault(base, unique_id)
            if before != unique_id:
                self.wrong.append(f"{base}: {before} became {unique_id}")


def subject(lines):
    return next(line for line in lines if line.startswith(b"X-Number: ")).split()[1].decode()


def pop_rounds(mail, ledger, stop):
    """Sessions that read what is there and delete about a third."""
    while not stop.is_set():
        marked, gone = set(), ledger.gone_by_now()
        try:
            client = mail.pop()
            ids = [line.split()[1] for line in client.uidl()[1]]
            for i, unique_id in enumerate(ids, 1):
                try:
                    number = subject(client.top(i, 0)[1])
                except poplib.error_proto:
                    continue  # somebody else removed it
                ledger.shown(number, unique_id, gone)
                if random.random() < 0.3:
                    with ledger.lock:
                        ledger.asked.add(number)
                    client.dele(i)
                    marked.add(number)
            client.quit()
            with ledger.lock:
                ledger.gone |= marked
        except CLOSED:
            time.sleep(0.02)


def imap_rounds(dovecot, ledger, stop):
    """Sessions that flag and expunge."""
    while not stop.is_set():
        marked = set()
        try:
            client = dovecot.imap()
            found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (X-Number)])")[1]
            # A message that POP3 has removed meanwhile has a number of the session, but no text.
            numbers = {part[0].split()[0].decode(): part[1] for part in found if isinstance(part, tuple)}
            for i, head in numbers.items():
                if b"X-Number" not in head:
                    continue
                number = subject(head.splitlines())
                if random.random() < 0.3:
                    client.store(i, "+FLAGS", r"(\Flagged)")
                if random.random() < 0.1:
                    with ledger.lock:
                        ledger.asked.add(number)
                    if client.store(i, "+FLAGS", r"(\Deleted)")[0] == "OK":
                        marked.add(number)
            if client.expunge()[0] == "OK":
                with ledger.lock:
                    ledger.gone |= marked
            client.logout()
        except (*CLOSED, TypeError):
            time.sleep(0.02)


def process(pid):
    """Name, parent, effective user."""
    with open(f"/proc/{pid}/status") as f:
        status = dict(line.split(":", 1) for line in f.read().splitlines() if ":" in line)
    return status["Name"].strip(), int(status["PPid"]), int(status["Uid"].split()[1])


def victims(owner):
    """Processes of sessions, ours and Dovecot's: they run as the owner of the mailbox, and master did not start them."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            name, parent, user = process(entry)
            if name in ("pop3d", "imap") and user == owner and process(parent)[0] != "master":
                found.append(int(entry))
    return found


def under_fire(work, mail, seconds=25):
    """A17: two POP3 sessions, deliveries and an IMAP session of Dovecot, all of them killed at random."""
    mail.crashes_expected = True
    mail.set(pop3_lock_mailbox="no")
    mail.reload()
    box = Box(mail)
    ledger, stop = Ledger(), threading.Event()
    for _ in range(20):
        ledger.delivered.add(str(int(box.deliver().split(".M")[1].split("P")[0])))
    with Dovecot(work, box.path) as dovecot:
        threads = [threading.Thread(target=pop_rounds, args=(mail, ledger, stop)) for _ in range(2)]
        threads.append(threading.Thread(target=imap_rounds, args=(dovecot, ledger, stop)))
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        kills = 0
        while time.monotonic() < end:
            for _ in range(3):
                ledger.delivered.add(box.deliver().split(".M")[1].split("P")[0])
            time.sleep(random.uniform(0, 0.1))
            if random.random() < 0.4 and (pids := victims(box.owner[0])):
                with contextlib.suppress(OSError):
                    os.kill(random.choice(pids), signal.SIGKILL)
                    kills += 1
        stop.set()
        for thread in threads:
            thread.join(200)
            assert not thread.is_alive()
        settle(mail, dovecot, box, ledger, kills)


def settle(mail, dovecot, box, ledger, kills):
    def session():
        try:
            return mail.pop()
        except CLOSED:
            return None

    client = wait_for(session, 30, "a session after the fire")
    for i, line in enumerate(client.uidl()[1], 1):
        ledger.shown(subject(client.top(i, 0)[1]), line.split()[1], ledger.gone)
    client.quit()
    present = {base.split(".M")[1].split("P")[0] for base in box.bases()}
    lost = ledger.delivered - ledger.asked - present
    back = ledger.gone & present
    assert not ledger.wrong, ledger.wrong[:5]
    assert not lost, f"lost: {sorted(lost)[:5]}"
    assert not back, f"back again: {sorted(back)[:5]}"
    assert len(box.bases()) == len(set(box.bases()))
    assert kills > 10 and len(ledger.gone) > 20, (kills, len(ledger.gone))
    assert "Panic" not in dovecot.log(), dovecot.log()
    print(f"{len(ledger.delivered)} delivered, {len(ledger.gone)} removed, {kills} killed, {len(present)} there")


STORIES = {"dovecot-first": lambda work, mail: in_turn(work, mail, "dovecot"),
           "umaya-first": lambda work, mail: in_turn(work, mail, "umaya"),
           "lost-lists": lost_lists, "under-fire": under_fire, "mbox": mbox_in_turn}


class Mailbox(peer_stories.Stories):
    script, packages = __file__, mail_peers.DOVECOT

    def test_dovecot_then_we_then_dovecot_show_the_same(self):
        self.story("dovecot-first")

    def test_we_then_dovecot_then_we_show_the_same(self):
        self.story("umaya-first")

    def test_one_mbox_in_turn_shows_the_same(self):
        self.story("mbox")

    def test_lost_lists_change_no_id_that_we_gave(self):
        self.story("lost-lists")

    def test_a17_sessions_deliveries_and_imap_under_kill_lose_nothing(self):
        self.story("under-fire")


def with_mailboxes(story):
    """The story with a POP3 server of ours; what went wrong comes with both logs."""
    def play(work):
        with PopInstance() as mail:
            try:
                story(work, mail)
            except AssertionError as error:
                log = os.path.join(work, "dovecot", "log")
                theirs = open(log).read()[-3000:] if os.path.exists(log) else ""
                raise AssertionError(f"{error}\n--- our log ---\n{mail.log()[-3000:]}\n--- Dovecot's ---\n{theirs}") from error
    return play


if __name__ == "__main__":
    peer_stories.main({name: with_mailboxes(story) for name, story in STORIES.items()}, mail_peers.DOVECOT)
