"""auth_client - asks an authentication server in Dovecot's protocol, and the client's side of SASL mechanisms

    with AuthSocket(path) as server:
        server.offered                                      # mechanism -> properties
        server.plain("alice", "secret", rip="192.0.2.1")    # ["OK", "1", "user=alice"]
"""

import base64
import hashlib
import hmac
import os
import socket


def encode(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def plain_message(user, password):
    return f"\0{user}\0{password}"


class AuthSocket:
    def __init__(self, path, minor=2, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.offered = {}
        self.socket.sendall(f"VERSION\t1\t{minor}\nCPID\t{os.getpid()}\n".encode())
        while (line := self.line()) != ["DONE"]:
            if line[0] in ("MECH", "MECH-CBIND"):
                self.offered[line[1]] = line[2:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def line(self):
        """The fields of the next line; EOFError when the server has closed."""
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the authentication server closed the connection")
        return line[:-1].decode().split("\t")

    def send(self, *fields):
        self.socket.sendall(("\t".join(fields) + "\n").encode())

    def start(self, mechanism, initial=None, service="pop3", **fields):
        self.number += 1
        options = [f"{name}={value}" for name, value in fields.items()]
        if initial is not None:
            options.append("resp=" + (encode(initial) or "="))
        self.send("AUTH", str(self.number), mechanism, f"service={service}", "nologin", *options)
        return str(self.number)

    def plain(self, user, password, **fields):
        self.start("PLAIN", plain_message(user, password), **fields)
        return self.line()


class Scram:
    """A client of SCRAM-SHA-1 or SCRAM-SHA-256 (RFC 5802): first(), then final(challenge), then is_proof(last word)."""

    def __init__(self, mechanism, user, password, header="n,,", binding=b""):
        self.hash = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}[mechanism.removesuffix("-PLUS")]
        self.password, self.header, self.binding = password, header, binding
        self.bare = f"n={user},r={encode(os.urandom(12))}"

    def hmac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def first(self):
        return self.header + self.bare

    def final(self, challenge):
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = self.hmac(salted, b"Client Key")
        without = f"c={encode(self.header.encode() + self.binding)},r={fields['r']}"
        text = f"{self.bare},{challenge},{without}".encode()
        signature = self.hmac(hashlib.new(self.hash, client_key).digest(), text)
        self.expected = "v=" + encode(self.hmac(self.hmac(salted, b"Server Key"), text))
        return without + ",p=" + encode(bytes(a ^ b for a, b in zip(client_key, signature)))

    def is_proof(self, last_word):
        return last_word == self.expected
