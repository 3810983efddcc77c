"""PostgreSQL's protocol, version 3: frames, and both ends of a connection."""

import base64
import hashlib
import hmac
import os
import re
import select
import socket
import struct

LARGEST = 10 << 20  # of a message from the client; the service closes the connection without a word
HEAD = struct.Struct("!ci")
NUMBER = struct.Struct("!i")
PIECE = 65536


class Gone(Exception):
    """The other end closed the connection, or we have to."""


class SqlError(Exception):
    """What a client is told: SQLSTATE, message, and further fields by their letters."""

    def __init__(self, state, message, severity="ERROR", **more):
        super().__init__(message)
        self.state = state
        self.message = message
        self.severity = severity
        self.more = more

    def frame(self):
        fields = {"S": self.severity, "V": self.severity, "C": self.state, "M": self.message, **self.more}
        return frame(b"E", b"".join(f"{k}{v}\0".encode() for k, v in fields.items()) + b"\0")


def frame(kind, payload=b""):
    return HEAD.pack(kind, len(payload) + 4) + payload


def text(value):
    return value.encode() + b"\0"


OURS = b"double_statement\0"


def named(name, sql, types=b"\0\0", bound=b"\0\0\0\0\0\0", rows=b"\0\0\0\0"):
    """Executes a statement under a name of its own, which leaves alone what has no name. An earlier one that failed may
    have left the name in use. The server answers with NAMED messages besides the result's."""
    return b"".join((frame(b"C", b"S" + name), frame(b"C", b"P" + name), frame(b"P", name + text(sql) + types),
                     frame(b"B", name + name + bound), frame(b"E", name + rows), frame(b"C", b"P" + name)))


NAMED = 5


def error_fields(message):
    """The fields of an ErrorResponse by their letters."""
    fields = {}
    for part in bytes(message[5:]).split(b"\0"):
        if part:
            fields[chr(part[0])] = part[1:].decode(errors="replace")
    return fields


class Frames:
    """Cuts what arrives into whole messages."""

    def __init__(self, largest=0):
        self.data = b""
        self.largest = largest

    def feed(self, data):
        """Gives the messages that are complete by now, as a list of bytes."""
        data = self.data + data if self.data else data
        place, end, found = 0, len(data), []
        while end - place >= 5:
            size = NUMBER.unpack_from(data, place + 1)[0] + 1
            if size < 5 or (self.largest and size > self.largest):
                raise Gone("a message that is too long")
            if end - place < size:
                break
            found.append(data[place:place + size])
            place += size
        self.data = data[place:] if place < end else b""
        return found


class Backend:
    """A connection to the real server, over its Unix socket; nobody but us speaks on it."""

    def __init__(self, server, user=None, settings=(), application=None, database="postgres"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.frames = Frames()
        self.waiting = []
        self.greeting = []
        self.pid = 0
        self.status = b"I"
        try:
            self.socket.connect(f"{server['host']}/.s.PGSQL.{server['port']}")
            self.log_in(server, settings, application, database)
            if user:
                # Roles have no passwords; nothing that a client may say undoes this.
                quoted = user.replace('"', '""')
                self.query(f'SET SESSION AUTHORIZATION "{quoted}"')
        except BaseException:
            self.close()
            raise

    def log_in(self, server, settings, application, database):
        options = " ".join("-c " + re.sub(r"([\\ ])", r"\\\1", f"{n}={v}") for n, v in settings)
        pairs = ["user", server["user"], "database", database, "client_encoding", "UTF8", "options", options]
        if application:
            pairs += ["application_name", application]
        payload = NUMBER.pack(196608) + b"".join(text(p) for p in pairs) + b"\0"
        self.socket.sendall(NUMBER.pack(len(payload) + 4) + payload)
        exchange = None
        while True:
            message = self.message()
            kind = message[:1]
            if kind == b"E":
                fields = error_fields(message)
                raise SqlError(fields["C"], fields["M"], "FATAL")
            if kind == b"Z":
                return
            if kind != b"R":
                self.greeting.append(message)
                if kind == b"K":
                    self.pid = NUMBER.unpack_from(message, 5)[0]
                continue
            code = NUMBER.unpack_from(message, 5)[0]
            if code == 10:
                exchange = Scram(server["password"])
                first = exchange.first()
                self.socket.sendall(frame(b"p", b"SCRAM-SHA-256\0" + NUMBER.pack(len(first)) + first))
            elif code == 11:
                self.socket.sendall(frame(b"p", exchange.final(message[9:])))
            elif code not in (0, 12):
                raise Gone(f"the server asks for a login of kind {code}")

    def message(self):
        """The next message, waited for."""
        while not self.waiting:
            data = self.socket.recv(PIECE)
            if not data:
                raise Gone("the server closed the connection")
            self.waiting = self.frames.feed(data)
        return self.waiting.pop(0)

    def exchange(self, data, ends=1):
        """Sends it and yields lists of messages, up to and with so many ReadyForQuery."""
        view = memoryview(data)
        fd = self.socket
        if len(view) <= 32768:
            fd.sendall(view)
            view = view[len(view):]
        while True:
            if len(view):
                # Both ways at once: the server may wait for us to read before it reads on.
                readable, writable, _ = select.select([fd], [fd], [])
                if writable:
                    view = view[fd.send(view[:PIECE]):]
                if not readable:
                    continue
            piece = fd.recv(PIECE)
            if not piece:
                raise Gone("the server closed the connection")
            messages = self.frames.feed(piece)
            if messages:
                last = messages[-1]
                ends -= sum(message[:1] == b"Z" for message in messages)
                yield messages
                if ends == 0:
                    self.status = last[5:6]
                    return

    def execute(self, sql, copy=None):
        """Runs a statement by the extended protocol, which leaves what has no name alone; gives the rows. `copy` is
        what COPY FROM STDIN reads."""
        data = named(OURS, sql)
        if copy is not None:
            # In front of what closes the portal, which nobody reads while data is expected.
            end = len(data) - len(frame(b"C", b"P" + OURS))
            data = data[:end] + copy + frame(b"c") + data[end:]
        return self.results(data + frame(b"S"))

    def query(self, sql):
        """Runs statements by the simple protocol; gives the rows as texts, raises SqlError."""
        return self.results(frame(b"Q", text(sql)))

    def results(self, data):
        rows, error = [], None
        for messages in self.exchange(data):
            for message in messages:
                if message[:1] == b"D":
                    rows.append(row_of(message))
                elif message[:1] == b"d":
                    rows.append(message)
                elif message[:1] == b"E" and not error:
                    fields = error_fields(message)
                    error = SqlError(fields["C"], fields["M"])
        if error:
            raise error
        return rows

    def close(self):
        self.socket.close()


def row_of(message):
    count = struct.unpack_from("!h", message, 5)[0]
    place, row = 7, []
    for _ in range(count):
        size = NUMBER.unpack_from(message, place)[0]
        place += 4
        if size < 0:
            row.append(None)
        else:
            row.append(message[place:place + size].decode())
            place += size
    return row


class Scram:
    """The client's side of SCRAM-SHA-256."""

    def __init__(self, password):
        self.password = password.encode()
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n=,r={self.nonce}"

    def first(self):
        return ("n,," + self.bare).encode()

    def final(self, challenge):
        challenge = bytes(challenge).decode()
        said = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(said["s"]), int(said["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = f"c=biws,r={said['r']}"
        signed = f"{self.bare},{challenge},{bare}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()
