"""scenarios - what is measured, one function for each; each gives a dictionary of figures of one run of one server"""

import os
import pwd
import resource
import socket
import subprocess
import time

from cpu import pss_kib, rss_kib
from servers import DOMAIN, SINK_PORT, SMTP_PORT, wait_for

MESSAGE_BYTES = 4096
SESSIONS = 50
MAILBOXES = 10


def source(sessions, messages, recipient):
    return subprocess.Popen(
        ["/usr/sbin/smtp-source", "-s", str(sessions), "-m", str(messages), "-l", str(MESSAGE_BYTES), "-f",
         f"sender@{DOMAIN}", "-t", recipient, f"127.0.0.1:{SMTP_PORT}"])


def sink():
    process = subprocess.Popen(["/usr/sbin/smtp-sink", "-u", "nobody", f"127.0.0.1:{SINK_PORT}", "1000"],
                               stdout=subprocess.DEVNULL)

    def listens():
        with open("/proc/net/tcp") as f:
            return f":{SINK_PORT:04X} 00000000:0000 0A" in f.read()

    wait_for(listens, 10, "smtp-sink listens")
    return process


def stop(process):
    process.terminate()
    process.wait()


def all_succeed(processes):
    for process in processes:
        if process.wait() != 0:
            raise RuntimeError(f"{process.args[0]} failed with status {process.returncode}")


def figures(messages, seconds, cpu):
    return {"messages per second": messages / seconds, "CPU seconds per 1,000": cpu / messages * 1000}


def relay(server, messages):
    """SMTP in, SMTP out: from the first connection until the queue is empty again."""
    server.configure(mydestination="")
    server.start()
    receiver = sink()
    cpu, start = server.cpu_seconds(), time.monotonic()
    all_succeed([source(SESSIONS, messages, "someone@elsewhere.test")])
    wait_for(server.is_idle, 300, "the queue empties", 0.03)
    seconds = time.monotonic() - start
    result = figures(messages, seconds, server.cpu_seconds() - cpu)
    server.stop()
    stop(receiver)
    return result


def mailbox(user):
    return os.path.join(pwd.getpwnam(user).pw_dir, "Maildir", "new")


def delivered(users):
    count = 0
    for user in users:
        try:
            count += len(os.listdir(mailbox(user)))
        except FileNotFoundError:
            pass
    return count


def empty_mailboxes(users):
    """Old mail is put aside until the end of all runs: ext4 makes new files slowly where many were just removed."""
    for user in users:
        maildir = os.path.dirname(mailbox(user))
        if os.path.isdir(maildir):
            os.rename(maildir, f"{maildir}.{time.monotonic_ns()}")


def maildir(server, messages):
    """SMTP in, local Maildirs of ten users out, one smtp-source for each user."""
    users = [f"u{i}" for i in range(MAILBOXES)]
    empty_mailboxes(users)
    server.configure()
    server.start()
    each = messages // MAILBOXES
    cpu, start = server.cpu_seconds(), time.monotonic()
    all_succeed([source(SESSIONS // MAILBOXES, each, f"{user}@{DOMAIN}") for user in users])
    wait_for(lambda: delivered(users) >= each * MAILBOXES, 300, "every message is in a Maildir", 0.03)
    seconds = time.monotonic() - start
    wait_for(server.is_idle, 30, "the queue empties")
    result = figures(each * MAILBOXES, seconds, server.cpu_seconds() - cpu)
    server.stop()
    return result


def submit(recipients):
    """One message to many recipients over one pipelined SMTP session."""
    with socket.create_connection(("127.0.0.1", SMTP_PORT), 60) as s:
        replies = s.makefile("rb")

        def reply():
            while True:
                line = replies.readline()
                if line[3:4] != b"-":
                    return line

        def expect(code):
            line = reply()
            if not line.startswith(code):
                raise RuntimeError(f"unexpected reply: {line!r}")

        expect(b"220")
        s.sendall(b"EHLO client.test\r\n")
        expect(b"250")
        s.sendall(f"MAIL FROM:<sender@{DOMAIN}>\r\n".encode())
        expect(b"250")
        for first in range(0, len(recipients), 100):
            group = recipients[first:first + 100]
            s.sendall("".join(f"RCPT TO:<{r}>\r\n" for r in group).encode())
            for _ in group:
                expect(b"250")
        s.sendall(b"DATA\r\n")
        expect(b"354")
        s.sendall(b"Subject: list\r\n\r\n" + b"x" * 70 + b"\r\n" * 1 + (b"y" * 70 + b"\r\n") * 56 + b".\r\n")
        expect(b"250")
        s.sendall(b"QUIT\r\n")


def one_to_many(server, recipients, **settings):
    server.configure(smtpd_recipient_limit="20000", **settings)
    server.start()
    cpu, start = server.cpu_seconds(), time.monotonic()
    submit(recipients)
    accepted = time.monotonic() - start
    wait_for(server.is_idle, 300, "the queue empties")
    result = {"seconds to accept": accepted, "seconds in all": time.monotonic() - start,
              "CPU seconds": server.cpu_seconds() - cpu}
    server.stop()
    return result


def list_local(server, members):
    """One message to many local users, each with a Maildir."""
    users = [f"m{i}" for i in range(members)]
    empty_mailboxes(users)
    result = one_to_many(server, [f"{u}@{DOMAIN}" for u in users])
    if delivered(users) != members:
        raise RuntimeError(f"{delivered(users)} of {members} mailboxes have the message")
    return result


def list_remote(server, recipients):
    """One message to many recipients of one other host."""
    receiver = sink()
    try:
        return one_to_many(server, [f"r{i}@elsewhere.test" for i in range(recipients)], mydestination="")
    finally:
        stop(receiver)


def idle(server, sessions):
    """Memory: the suite at rest after one message, and then with many idle SMTP sessions."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    empty_mailboxes(["u0"])
    server.configure(default_process_limit=str(sessions + 50), smtpd_client_connection_count_limit=str(sessions + 50))
    server.start()
    submit([f"u0@{DOMAIN}"])
    wait_for(server.is_idle, 30, "the queue empties")
    time.sleep(1)
    rest, rest_rss = pss_kib(server.processes()), rss_kib(server.processes())
    clients = []
    for _ in range(sessions):
        client = socket.create_connection(("127.0.0.1", SMTP_PORT), 60)
        client.recv(200)
        client.sendall(b"EHLO idle.test\r\n")
        client.recv(2000)
        clients.append(client)
    time.sleep(1)
    busy, busy_rss = pss_kib(server.processes()), rss_kib(server.processes())
    for client in clients:
        client.close()
    server.stop()
    return {"idle suite PSS (MiB)": rest / 1024, "RSS for each idle session (KiB)": (busy_rss - rest_rss) / sessions,
            "PSS for each idle session (KiB)": (busy - rest) / sessions}
