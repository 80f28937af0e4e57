"""zone_world - a primary with a dynamic zone, a secondary of it, and those who update it, for zone_ledger.py

Each sender owns slots. An update of a slot puts the next number in the place of the one before, at two names at once, so
that half an update shows. The ledger knows for each slot the number that was acknowledged last and the one that was sent
last; what is served must lie between them.
"""

import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from dns_wire import Message, question, read_tcp, wire_name
from umaya_instance import BUILD, free_port

PROGRAM = os.path.join(BUILD, "libexec", "named-lite")
APEX = "ex.test"
ZONE = "$TTL 60\n@ SOA ns1 root 1 3600 900 604800 60\n@ NS ns1\nns1 A 192.0.2.1\n" + \
    "".join(f"host{i} A 192.0.2.{i % 250}\n" for i in range(100))
TXT, SOA, IXFR, AXFR = 16, 6, 251, 252


class Server:
    """named-lite with the zone, in a directory; it is started and killed as a whole."""

    def __init__(self, directory, primary=None, journal="60k"):  # so small that files are written often
        self.directory, self.primary = directory, primary
        self.port = free_port()
        self.log = os.path.join("/tmp", f"umaya-zone-{os.getpid()}-{self.port}.log")
        self.process = None
        self.preload = None
        self.why = ""
        self.journal = journal

    def furnish(self, notify=None):
        os.makedirs(self.directory, exist_ok=True)
        zone = f'max-journal-size {self.journal}; allow-transfer {{ any; }};'
        if self.primary:
            zone += f' type secondary; primaries {{ 127.0.0.1 port {self.primary.port}; }}; notify no; file "zone";'
        else:
            zone += f' type primary; allow-update {{ any; }}; notify explicit; also-notify {{ 127.0.0.1 port {notify}; }}; file "zone";'
            with open(os.path.join(self.directory, "zone"), "w") as f:
                f.write(ZONE)
        with open(os.path.join(self.directory, "named.conf"), "w") as f:
            f.write(f'options {{ directory "{self.directory}"; listen-on port {self.port} {{ 127.0.0.1; }}; '
                    f'listen-on-v6 {{ none; }}; recursion no; }};\nzone "{APEX}" {{ {zone} }};\n')

    def start(self):
        environment = dict(os.environ, LD_PRELOAD=self.preload) if self.preload else None
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([PROGRAM, "-g", "-n", "1", "-c", os.path.join(self.directory, "named.conf")],
                                            stdout=log, stderr=log, env=environment)

    def processes(self):
        """Process ids by role; the parent's is "parent"."""
        found = {"parent": self.process.pid}
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                for pid in f.read().split():
                    with open(f"/proc/{pid}/comm") as comm:
                        found[comm.read().strip().removeprefix("named-")] = int(pid)
        except OSError:
            pass
        return found

    def kill(self):
        """kill -9 of all its processes, in any order."""
        if self.process is None:
            return
        pids = list(self.processes().values())
        random.shuffle(pids)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(20)
        for pid in pids:
            while os.path.exists(f"/proc/{pid}/exe"):  # readlink fails for a zombie, which holds nothing any more
                try:
                    os.readlink(f"/proc/{pid}/exe")
                except OSError:
                    break
                time.sleep(0.002)

    def ask(self, packet, seconds=5):
        """All messages of a transfer, or one answer, as Messages."""
        messages = []
        with socket.create_connection(("127.0.0.1", self.port), seconds) as s:
            s.sendall(struct.pack(">H", len(packet)) + packet)
            soas = 0
            while True:
                data = read_tcp(s)
                if data is None:
                    raise ConnectionError("the connection ended")
                message = Message(data)
                messages.append(message)
                if message.rcode != 0 or message.questions[0][1] not in (IXFR, AXFR):
                    return messages
                soas += sum(1 for record in message.sections[0] if record[1] == SOA)
                if is_whole(messages, soas):
                    return messages

    def transfer(self, serial=None):
        """The records in their order; None when there are none to have just now."""
        try:
            messages = self.ask(question(APEX, AXFR) if serial is None else ixfr_question(serial))
        except (OSError, ValueError, IndexError, struct.error) as error:
            self.why = repr(error)
            return None
        if messages[0].rcode != 0:
            self.why = f"code {messages[0].rcode}"
            return None
        return [record for message in messages for record in message.sections[0]]

    def zone(self, seconds=20):
        """Serial and set of the other records, as soon as they are served."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            records = self.transfer()
            if records:
                return serial_of(records[0]), {record for record in records if record[1] != SOA}
            time.sleep(0.01)
        raise RuntimeError(f"port {self.port} does not serve the zone ({self.why}):\n" + self.tail())

    def tail(self):
        """The end of its log, without what is said of each update."""
        with open(self.log, errors="replace") as f:
            lines = [line for line in f if ": update by " not in line and ": notify of " not in line]
        return "".join(lines[-30:])

    def close(self):
        self.kill()
        if os.path.exists(self.log):
            os.unlink(self.log)


def is_whole(messages, soas):
    """Whether the last SOA of a transfer has come."""
    first = [record for message in messages for record in message.sections[0]][:2]
    newest = serial_of(first[0])
    if messages[0].questions[0][1] == AXFR or (len(first) > 1 and first[1][1] != SOA):
        return soas == 2
    if len(first) == 1:
        return True  # up to date
    last = messages[-1].sections[0][-1]
    return soas >= 4 and soas % 2 == 0 and last[1] == SOA and serial_of(last) == newest


def serial_of(record):
    return struct.unpack(">I", record[4][-1][:4])[0]


def ixfr_question(serial):
    data = b"\0\0" + struct.pack(">IIIII", serial, 1, 1, 1, 1)
    packet = bytearray(question(APEX, IXFR))
    packet[9] = 1
    return bytes(packet) + wire_name(APEX) + struct.pack(">HHIH", SOA, 1, 0, len(data)) + data


def update_packet(number, slot, value):
    """Both names of the slot get this value in the place of what they had."""
    text = str(value).encode()
    changes = b""
    for name in (f"u.{slot}.{APEX}", f"v.{slot}.{APEX}"):
        changes += wire_name(name) + struct.pack(">HHIH", TXT, 255, 0, 0)
        changes += wire_name(name) + struct.pack(">HHIHB", TXT, 1, 60, 1 + len(text), len(text)) + text
    head = struct.pack(">HHHHHH", number, 5 << 11, 1, 0, 4, 0)
    return head + wire_name(APEX) + struct.pack(">HH", SOA, 1) + changes


class Slot:
    def __init__(self):
        self.acknowledged = 0
        self.sent = 0


class Senders:
    """Threads that update one slot after the other, half of them over TCP."""

    def __init__(self, server, count, slots=6):
        self.server = server
        self.slots = {f"s{i}-{k}": Slot() for i in range(count) for k in range(slots)}
        self.answers = {}
        self.cut = False  # what is answered from here on does not count: the power is off
        self.stopping = False
        self.may_send = threading.Event()
        self.may_send.set()
        self.threads = [threading.Thread(target=self.run, args=(i, slots), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, sender, slots):
        at = 0
        while self.may_send.wait() and not self.stopping:
            name = f"s{sender}-{at % slots}"
            slot = self.slots[name]
            at += 1
            slot.sent += 1
            answer = self.send(update_packet(at & 0xFFFF, name, slot.sent), tcp=sender % 2 == 0)
            if answer == 0 and not self.cut:
                slot.acknowledged = slot.sent
            self.answers[answer] = self.answers.get(answer, 0) + 1
            if answer is None:
                time.sleep(0.01)

    def send(self, packet, tcp):
        """The response code; None when there was no answer."""
        try:
            if tcp:
                with socket.create_connection(("127.0.0.1", self.server.port), 2) as s:
                    s.sendall(struct.pack(">H", len(packet)) + packet)
                    data = read_tcp(s)
            else:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.settimeout(0.5)
                    s.connect(("127.0.0.1", self.server.port))
                    s.send(packet)
                    data = s.recv(512)
        except OSError:
            return None
        return data[3] & 15 if data else None

    def acknowledged(self):
        return {name: slot.acknowledged for name, slot in self.slots.items()}

    def sent(self):
        return {name: slot.sent for name, slot in self.slots.items()}

    def total(self):
        return self.answers.get(0, 0)

    def stop(self):
        self.stopping = True
        self.may_send.set()
        for thread in self.threads:
            thread.join()
