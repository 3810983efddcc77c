"""One connection of a client's: what it sends is judged and passed on, what comes back is passed back."""

import re
import select
import time

import door
import statements
from wire import LARGEST, Backend, Frames, Gone, SqlError, error_fields, frame, text

SYNC = frame(b"S")
# A statement that no server takes: it fails where another would stand, and its number finds what to say instead.
REFUSAL = re.compile(r"dsql_refusal_(\d+)")
SETTINGS = (("default_transaction_isolation", "repeatable read"), ("timezone", "UTC"), ("jit", "off"))


class Transaction:
    """What has happened since the last ReadyForQuery that was idle."""

    def __init__(self):
        self.begun = time.monotonic()
        self.ddl = 0
        self.dml = False
        self.version_bump = False


class Session:
    def __init__(self, double, plain):
        self.double = double
        self.plain = plain
        self.client = None
        self.backend = None
        self.start = None
        self.born = time.monotonic()
        self.version = 0
        self.out = []
        self.prepared = {}
        self.portals = {}
        self.transaction = Transaction()
        self.refusals = {}

    # The connection's life.

    def run(self):
        try:
            self.client = door.secured(self.plain, self.double.contexts)
            self.open()
            self.serve()
        except SqlError as error:
            self.double.note("refused connection", error.message)
            self.tell(error.frame())
        except (Gone, OSError, ValueError) as reason:
            self.double.note("ended", str(reason))
        finally:
            self.close()

    def close(self):
        for end in (self.client or self.plain, self.backend):
            if end:
                end.close()

    def tell(self, data):
        try:
            (self.client or self.plain).sendall(data)
        except OSError:
            pass

    def cut(self):
        """For another thread: ends the connection as a broken network would."""
        try:
            self.plain.shutdown(2)
        except OSError:
            pass
        try:
            if self.client:
                self.client.shutdown(2)
        except OSError:
            pass

    def open(self):
        self.start = door.admit(self.client, self.double)
        self.client.settimeout(None)
        try:
            self.backend = Backend(self.double.server, self.start.user, [*SETTINGS, *self.start.settings],
                                   self.start.application)
        except SqlError as error:
            raise door.fatal("28000", door.NOBODY) from error
        self.version = self.double.version
        greeting = [frame(b"R", b"\0\0\0\0")]
        for message in self.backend.greeting:
            if message[:1] == b"S":
                name, value = message[5:-1].split(b"\0")
                if name == b"server_version":
                    message = frame(b"S", text("server_version") + text("16.9"))
                elif name in (b"is_superuser", b"session_authorization"):
                    value = "off" if name == b"is_superuser" else self.start.user
                    message = frame(b"S", name + b"\0" + text(value))
            greeting.append(message)
        self.client.sendall(b"".join(greeting) + frame(b"Z", b"I"))

    def serve(self):
        frames, batch = Frames(LARGEST), []
        while True:
            for message in frames.feed(self.receive()):
                kind = message[:1]
                if kind == b"X":
                    return
                if kind == b"Q":
                    self.simple(message)
                elif kind == b"S":
                    self.extended(batch)
                    batch = []
                elif kind in b"PBDECF":
                    batch.append(message)
                elif kind not in b"Hdcf":
                    raise Gone("a message of an unknown kind")

    def receive(self):
        """What the client sends next; meanwhile the connection may become too old, or the server may go."""
        client, backend = self.client, self.backend.socket
        poll = select.poll()
        poll.register(client, select.POLLIN)
        poll.register(backend, select.POLLIN)
        while not client.pending():
            self.check_age()
            ready = poll.poll(self.double.tick)
            if any(fd == backend.fileno() for fd, _ in ready):
                data = backend.recv(65536)
                if not data:
                    raise Gone("the server closed the connection")
                self.client.sendall(data)
            if any(fd == client.fileno() for fd, _ in ready):
                break
        data = client.recv(65536)
        if not data:
            raise Gone("the client closed the connection")
        return data

    def check_age(self):
        limit = self.double.settings["connection_life"]
        age = time.monotonic() - self.born
        if age < limit:
            return
        # A transaction that began in time may come to its end.
        if self.backend.status != b"I" and age < limit + self.double.settings["transaction_age"]:
            return
        raise door.fatal("57P01", "terminating connection because it reached the maximum connection duration")

    # Statements.

    def judged(self, sql):
        """The statements of a text; raises SqlError where one is refused."""
        return statements.judge(sql, self.double.settings)

    def refusal(self, error):
        """A Parse that fails, for which the client will be told this error."""
        number = len(self.refusals) + 1
        self.refusals[number] = error
        self.double.note("refused", error.message)
        return f"dsql_refusal_{number}"

    def simple(self, message):
        sql = message[5:-1].decode()
        try:
            self.judged(sql)
            data = message
        except SqlError as error:
            data = frame(b"Q", text(self.refusal(error)))
        self.relay(data)

    def extended(self, batch):
        data = []
        for message in batch:
            if message[:1] == b"P":
                end = message.index(b"\0", 5)
                sql = message[end + 1:message.index(b"\0", end + 1)].decode()
                try:
                    self.judged(sql)
                except SqlError as error:
                    data.append(frame(b"P", b"\0" + text(self.refusal(error)) + b"\0\0"))
                    break
            data.append(message)
        data.append(SYNC)
        self.relay(b"".join(data))

    def relay(self, data):
        """Sends it to the server and the answer to the client."""
        for messages in self.backend.exchange(data):
            for i, message in enumerate(messages):
                if message[:1] == b"E":
                    messages[i] = self.error(message)
            self.client.sendall(b"".join(messages))
        self.refusals.clear()

    def error(self, message):
        fields = error_fields(message)
        found = REFUSAL.search(fields["M"])
        if found and int(found[1]) in self.refusals:
            return self.refusals[int(found[1])].frame()
        return message
