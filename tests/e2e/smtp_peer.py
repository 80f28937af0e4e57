"""smtp_peer - an SMTP server in a thread, whose answers a test chooses

    with SmtpPeer() as peer:
        peer.reply_to_rcpt = lambda address: "450 4.2.0 later"
        … peer.messages …
"""

import socket
import threading


class SmtpPeer:
    EXTENSIONS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "SIZE 50000000")

    def __init__(self, extensions=EXTENSIONS, host="127.0.0.1", port=0):
        self.extensions = extensions
        self.messages = []  # dictionaries: sender, recipients, parameters, data
        self.sessions = 0
        self.reply_to_greeting = lambda: "220 peer.test ESMTP"
        self.reply_to_mail = lambda text: "250 2.1.0 Ok"
        self.reply_to_rcpt = lambda address: "250 2.1.5 Ok"
        self.reply_to_data = lambda: "250 2.0.0 Ok: queued as PEER"
        self.lock = threading.Lock()
        self.listener = socket.create_server((host, port), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.clients = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.sessions += 1
                self.clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client, client.makefile("rb") as lines:
                greeting = self.reply_to_greeting()
                client.sendall(greeting.encode() + b"\r\n")
                if greeting.startswith("220"):
                    self._session(client, lines)
        except OSError:
            pass

    def _session(self, client, lines):
        def say(text):
            client.sendall(text.encode() + b"\r\n")

        sender, recipients, parameters = None, [], []
        for line in lines:
            text = line.decode(errors="surrogateescape").rstrip("\r\n")
            verb = text.split(" ")[0].upper()
            if verb == "EHLO":
                words = ["peer.test", *self.offers(client)]
                say("\r\n".join(f"250{'-' if i + 1 < len(words) else ' '}{w}" for i, w in enumerate(words)))
            elif verb in ("HELO", "NOOP", "RSET"):
                sender, recipients, parameters = None, [], []
                say("250 2.0.0 Ok")
            elif verb == "MAIL":
                sender, recipients, parameters = text[10:], [], [text]
                say(self.reply_to_mail(text))
            elif verb == "RCPT":
                address = text[8:].split(" ")[0].strip("<>")
                reply = self.reply_to_rcpt(address)
                if reply.startswith("2"):
                    recipients.append(address)
                    parameters.append(text)
                say(reply)
            elif verb == "DATA":
                if not recipients:
                    say("554 5.5.1 No valid recipients")
                    continue
                say("354 go ahead")
                data = self._read_data(lines)
                if data is None:
                    return
                reply = self.reply_to_data()
                if reply.startswith("2"):
                    with self.lock:
                        self.messages.append({"sender": sender.split(">")[0].strip("<>"), "recipients": recipients,
                                              "parameters": parameters, "data": data})
                say(reply)
            elif verb == "QUIT":
                say("221 2.0.0 Bye")
                return
            elif self.other_command(verb, text, client, lines):
                return

    def offers(self, client):
        """What EHLO lists."""
        return self.extensions

    def other_command(self, verb, text, client, lines):
        """For subclasses: any other verb. True when the session is over."""
        client.sendall(b"502 5.5.1 not here\r\n")
        return False

    @staticmethod
    def _read_data(lines):
        data = []
        for line in lines:
            if line == b".\r\n":
                return b"".join(data)
            data.append(line[1:] if line.startswith(b".") else line)
        return None

    def recipients(self):
        with self.lock:
            return [r for m in self.messages for r in m["recipients"]]

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts, which would serve on otherwise
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for client in self.clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
