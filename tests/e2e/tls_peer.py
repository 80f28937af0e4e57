"""tls_peer - certificates and clients for stories about TLS

    ca = Authority(folder)
    chain = ca.issue("mail.example.test", kind="ec")          # a file: key, certificate, authority
    with Client(port) as client:                              # STARTTLS; wrapped=True: TLS at once
        client.command("EHLO client.test")
"""

import os
import socket
import ssl
import subprocess

from umaya_instance import PATIENCE


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def make_key(path, kind):
    """kind: "ec", "rsa", "ed25519", "rsa1024"."""
    options = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
               "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
               "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
               "ed25519": ["-algorithm", "ED25519"]}[kind]
    openssl("genpkey", *options, "-out", path)
    os.chmod(path, 0o600)


def read(path):
    with open(path) as f:
        return f.read()


class Authority:
    """Issues certificates; everything lies in one folder."""

    def __init__(self, folder, name="Test Authority"):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.key, self.certificate = self.path("ca.key"), self.path("ca.pem")
        make_key(self.key, "ec")
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", "3000", "-out",
                self.certificate)

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, kind="ec", file=None, days=30, start_days=0):
        """Makes file.key and file.crt; gives file.pem with key, certificate and authority."""
        base = self.path(file or f"{name}.{kind}")
        make_key(base + ".key", kind)
        openssl("req", "-new", "-key", base + ".key", "-subj", f"/CN={name}", "-out", base + ".csr")
        with open(base + ".ext", "w") as f:
            f.write(f"subjectAltName=DNS:{name}\n")
        openssl("x509", "-req", "-in", base + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", base + ".ext", "-out", base + ".crt")
        write_private(base + ".pem", read(base + ".key") + read(base + ".crt") + read(self.certificate))
        return base + ".pem"


def write_private(path, text):
    """Puts a file in place as a careful administrator does: whole, and for its owner only."""
    with open(path + ".new", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)
    os.rename(path + ".new", path)


def common_name(certificate_der):
    """The subject's CN."""
    done = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline"],
                          input=certificate_der, capture_output=True)
    for line in done.stdout.decode().splitlines():
        if "commonName" in line:
            return line.split("=", 1)[1].strip()
    raise AssertionError(done)


def any_context(**options):
    """Trusts everybody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in options.items():
        setattr(context, name, value)
    return context


class Client:
    """One SMTP session, in TLS unless plain is set."""

    def __init__(self, port, wrapped=False, plain=False, context=None, name=None, session=None, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), 20 * PATIENCE)
        self.file = None
        self.context = context or any_context()
        self.name, self.session = name, session
        if wrapped:
            self.secure()
        self.greeting = self.reply()
        self.extensions = []
        if not plain and not wrapped:
            self.extensions = self.command("EHLO client.test")
            answer = self.command("STARTTLS")
            if not answer[0].startswith("220"):
                raise AssertionError(f"STARTTLS: {answer}")
            self.secure()

    def secure(self):
        self.file = None
        self.socket = self.context.wrap_socket(self.socket, server_hostname=self.name, session=self.session)

    def reply(self):
        if self.file is None:
            self.file = self.socket.makefile("rb")
        lines = []
        while True:
            line = self.file.readline().decode()
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return lines

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def command(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def message(self, sender, recipient, text="Subject: test\r\n\r\nbody\r\n"):
        answers = [self.command("EHLO client.test"), self.command(f"MAIL FROM:<{sender}>"),
                   self.command(f"RCPT TO:<{recipient}>")]
        if answers[-1][0].startswith("250"):
            answers += [self.command("DATA"), self.command(text + ".")]
        return [answer[-1] for answer in answers]

    def certificate_name(self):
        return common_name(self.socket.getpeercert(True))

    def close(self):
        if self.file:
            self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def presented(port, name=None, context=None, wrapped=False):
    """CN of the certificate that a new connection is shown."""
    with Client(port, wrapped=wrapped, name=name, context=context) as client:
        return client.certificate_name()
