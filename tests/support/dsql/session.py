"""One connection of a client's: what it sends is judged and passed on, what comes back is passed back.

Outside of transaction blocks, all messages up to a Sync are passed on at once. In a block, whatever writes is executed by
itself, behind a savepoint, so that a conflict can be kept for the COMMIT (conflict.py)."""

import re
import select
import threading
import time

import door
import statements
from conflict import Conflict
from statements import BEGIN, COMMIT, DDL, IAM, INDEX, LOCK, READ, ROLLBACK, SESSION, WAIT, WRITE
from wire import LARGEST, Backend, Frames, Gone, SqlError, error_fields, frame, text

SYNC = frame(b"S")
# A statement that no server takes: it fails where another would stand, and its number finds what to say instead.
REFUSAL = re.compile(r"dsql_refusal_(\d+)")
SETTINGS = (("default_transaction_isolation", "repeatable read"), ("timezone", "UTC"), ("jit", "off"))
# 40001, 40P01, 55P03; and a statement that was cancelled to end a circle of waiting.
CONFLICTS = ("40001", "40P01", "55P03")
SCHEMA_KINDS = (DDL, INDEX, IAM)
MIXED = "ddl and dml are not supported in the same transaction"
SEVERAL = "multiple ddl statements are not supported in a transaction"
STALE = "schema has been updated by another transaction, please retry: (OC001)"
CHANGED = "change conflicts with another transaction, please retry: (OC000)"


def meant(error):
    """Only the watch cancels, and the statement that it meant may be over: then it is one of ours that fails."""
    return conflict() if error.state == "57014" else error


def conflict():
    return SqlError("40001", CHANGED)


class Transaction:
    """What has happened since the last ReadyForQuery that was idle."""

    def __init__(self):
        self.begun = time.monotonic()
        self.ddl = 0
        self.queries = False
        self.wrote = False
        self.block = False  # within BEGIN and COMMIT, as far as can be foretold
        self.savepoint = False
        self.indexes = 0


class Prepared:
    """A statement that a client prepared; `types` is the end of its Parse message."""

    __slots__ = ("statement", "types")

    def __init__(self, statement, types):
        self.statement = statement
        self.types = types


class Portal:
    """What was bound: the statement, its name, and the end of the Bind message."""

    __slots__ = ("prepared", "name", "bind")

    def __init__(self, prepared, name, bind):
        self.prepared = prepared
        self.name = name
        self.bind = bind


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
        self.conflict = Conflict(self)
        self.refusals = {}
        self.numbers = 0
        self.cut_after = False
        self.failed = False  # since the last Sync
        self.busy = threading.Lock()  # held while something is executed
        self.since = 0.0  # when it began; 0: nothing is
        self.idle = 0.0  # when the last thing ended

    # The connection's life.

    def run(self):
        try:
            self.client = door.secured(self.plain, self.double.contexts)
            self.open()
            self.serve()
        except SqlError as error:
            self.double.note("closed" if error.state == "57P01" else "rejected", error.message)
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
        for end in (self.plain, self.client):
            try:
                if end:
                    end.shutdown(2)
            except OSError:
                continue

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
                    self.work(self.simple, message)
                elif kind == b"S":
                    self.work(self.extended, batch)
                    batch = []
                elif kind in b"PBDECF":
                    batch.append(message)
                elif kind not in b"Hdcf":
                    raise Gone("a message of an unknown kind")

    def work(self, act, what):
        with self.busy:
            self.since = time.monotonic()
            try:
                act(what)
                self.finish()
            finally:
                self.since = 0.0
                self.idle = time.monotonic()
        if self.out:
            data, self.out = b"".join(self.out), []
            self.client.sendall(data)

    def finish(self):
        """All is executed up to the Sync."""
        status = self.backend.status
        self.refusals.clear()
        if status != b"I":
            self.transaction.block = True
        else:
            if not self.failed:
                self.settle()
            self.over()
            self.portals.clear()
        if self.cut_after:
            raise Gone("cut as was asked for")
        self.failed = False
        self.out.append(frame(b"Z", status))

    def settle(self):
        """A transaction took effect."""
        if self.transaction.indexes:
            self.double.jobs.expect()
        if self.transaction.ddl:
            self.double.bump(self)
        if self.transaction.wrote or self.transaction.ddl:
            self.double.note("commits")

    def receive(self):
        """What the client sends next; meanwhile the connection may become too old, or the server may go."""
        client, backend = self.client, self.backend.socket
        poll = select.poll()
        poll.register(client, select.POLLIN)
        poll.register(backend, select.POLLIN)
        while not client.pending():
            self.check_age()
            ready = poll.poll(self.double.tick)
            if any(fd == client.fileno() for fd, _ in ready):
                break
            if ready:
                self.unasked()
        data = client.recv(65536)
        if not data:
            raise Gone("the client closed the connection")
        return data

    def unasked(self):
        """The server says something by itself, unless it answers another thread of ours by now."""
        with self.busy:
            if not select.select([self.backend.socket], [], [], 0)[0]:
                return
            data = self.backend.socket.recv(65536)
            if not data:
                raise Gone("the server closed the connection")
            self.client.sendall(data)

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
        """The text of a statement that fails, for which the client will be told this error."""
        error = meant(error)
        self.numbers += 1
        self.refusals[self.numbers] = error
        state = {"OC000": "conflicts", "OC001": "stale"}.get(error.message[-6:-1], "refused")
        self.double.note(state, error.message)
        return f"dsql_refusal_{self.numbers}"

    def rewritten(self, statement):
        """What stands for a statement on a server that does not know it."""
        if statement.kind == INDEX:
            index = statement.index
            words = ", ".join("'" + w.replace("'", "''") + "'" for w in (index.name, index.table, index.rest))
            return f"SELECT sys.double_index({index.unique}, {index.missing}, {words}) AS job_id"
        if statement.kind == IAM:
            grants, role, arn = statement.words
            words = ", ".join("'" + w.replace("'", "''") + "'" for w in (role, arn))
            return f"SELECT sys.double_map({grants}, {words})"
        return statement.sql

    def before(self, statement):
        """Checks the rules that depend on what came before; raises SqlError."""
        kind, transaction = statement.kind, self.transaction
        if kind in (BEGIN, ROLLBACK, SESSION, COMMIT):
            return
        if self.backend.status == b"E":
            return
        if self.conflict.dead:
            raise self.conflict.dead
        if transaction.block and self.too_old():
            raise self.too_old()
        if kind == WAIT:
            if transaction.block:
                raise SqlError("25001", "sys.wait_for_job cannot run inside a transaction block")
            return
        self.check_version()
        if kind in SCHEMA_KINDS:
            if transaction.ddl:
                raise SqlError("0A000", SEVERAL)
            if transaction.queries:
                raise SqlError("0A000", MIXED)
            transaction.ddl += 1
            transaction.indexes += kind == INDEX
            return
        if transaction.ddl:
            raise SqlError("0A000", MIXED)
        transaction.queries = True
        if kind == LOCK:
            self.double.check_lock(statement.lock)
        if kind in (WRITE, LOCK):
            transaction.wrote = transaction.wrote or kind == WRITE
            if kind == WRITE and not transaction.block:
                self.implicit_fault()

    def too_old(self):
        limit = self.double.settings["transaction_age"]
        if time.monotonic() - self.transaction.begun <= limit:
            return None
        return SqlError("54000", f"transaction age limit of {limit:g}s exceeded")

    def check_version(self):
        if self.version != self.double.version:
            self.version = self.double.version
            raise SqlError("40001", STALE)

    def implicit_fault(self):
        """A statement that commits by itself."""
        fault = self.double.fault()
        if fault == "conflict":
            raise conflict()
        if fault == "cut-before":
            raise Gone("cut as was asked for")
        self.cut_after = self.cut_after or fault == "cut-after"

    def alone(self, statement):
        """Whether it has to be executed by itself: what writes in a block, and what ends one."""
        if not self.transaction.block:
            return False
        return statement.kind in (WRITE, LOCK, COMMIT) or (statement.kind == READ and self.conflict.doomed)

    # The simple protocol.

    def simple(self, message):
        try:
            sql = message[5:-1].decode()
            found = self.judged(sql)
        except SqlError as error:
            self.pass_on(frame(b"Q", text(self.refusal(error))))
            return
        kinds = {s.kind for s in found}
        if len(found) > 1 and not kinds & {BEGIN, COMMIT, ROLLBACK} and not self.transaction.block:
            self.together(found)
            return
        if not found:
            self.pass_on(message)
        for statement in found:
            if not self.one_simple(statement):
                return

    def one_simple(self, statement):
        """False: it failed, and so does what comes behind it."""
        try:
            self.before(statement)
            if self.alone(statement):
                if statement.kind == COMMIT:
                    self.ending(statement)
                else:
                    self.conflict.attempt(statement, None)
                return not self.failed
        except SqlError as error:
            self.fail(error)
            return False
        return self.pass_plain(statement)

    def pass_plain(self, statement):
        if statement.kind == BEGIN:
            self.begin()
        error = self.pass_on(frame(b"Q", text(self.rewritten(statement))), b"TD" if statement.kind == IAM else b"")
        if statement.kind == ROLLBACK:
            self.over()
        if statement.kind in (BEGIN, ROLLBACK) or error:
            self.transaction.block = self.backend.status != b"I"
        return not error

    def together(self, found):
        """Several statements in one go are one transaction."""
        texts = []
        for statement in found:
            try:
                self.before(statement)
                texts.append(self.rewritten(statement))
            except SqlError as error:
                # It fails when it is executed, and not when it is read: what stands before it would count.
                texts.append(f"SELECT current_setting('{self.refusal(error)}')")
                break
        self.pass_on(frame(b"Q", text("; ".join(texts))))

    def begin(self):
        if not self.transaction.block:
            self.transaction.begun = time.monotonic()
            self.transaction.block = True

    # The extended protocol.

    def extended(self, batch):
        chunk = []
        for message in batch:
            try:
                message = self.noted(message)
                if message[:1] == b"E" and not self.execute(message, chunk):
                    return
                if message[:1] != b"E":
                    chunk.append(message)
            except SqlError as error:
                chunk.append(frame(b"P", b"\0" + text(self.refusal(error)) + b"\0\0"))
                break
        self.flush(chunk)

    def flush(self, chunk):
        """Has the server execute what was collected; False: something failed."""
        data = b"".join(chunk) + SYNC
        chunk.clear()
        return not self.pass_on(data)

    def noted(self, message):
        """Remembers what is prepared and bound; gives the message that takes its place."""
        kind = message[:1]
        if kind == b"P":
            end = message.index(b"\0", 5)
            stop = message.index(b"\0", end + 1)
            found = self.judged(message[end + 1:stop].decode())
            name = message[5:end]
            if len(found) > 1:
                raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
            statement = found[0] if found else None
            self.prepared[name] = Prepared(statement, message[stop + 1:])
            if statement and (statement.rewritten or statement.kind in (INDEX, IAM)):
                return frame(b"P", message[5:end + 1] + text(self.rewritten(statement)) + message[stop + 1:])
        elif kind == b"B":
            end = message.index(b"\0", 5)
            stop = message.index(b"\0", end + 1)
            name = message[end + 1:stop]
            self.portals[message[5:end]] = Portal(self.prepared.get(name), name, message[stop + 1:])
        elif kind == b"F":
            raise SqlError("0A000", "function calls by the protocol are not supported")
        return message

    def execute(self, message, chunk):
        """An Execute: collected, or executed by itself. False: the rest up to the Sync is to be skipped."""
        portal = self.portals.get(message[5:message.index(b"\0", 5)])
        statement = portal.prepared.statement if portal and portal.prepared else None
        if not statement:
            chunk.append(message)
            return True
        self.before(statement)
        if not self.alone(statement):
            if statement.kind == BEGIN:
                self.begin()
            elif statement.kind == ROLLBACK:
                self.over()
            chunk.append(message)
            return True
        if chunk and not self.flush(chunk):
            return False
        try:
            if statement.kind == COMMIT:
                self.ending(statement, message)
            else:
                self.conflict.attempt(statement, portal, message)
        except SqlError as error:
            self.fail(error)
        return not self.failed

    # Execution.

    def fail(self, error):
        """Has the server's transaction fail as well, and tells the client."""
        self.pass_on(frame(b"P", b"\0" + text(self.refusal(error)) + b"\0\0") + SYNC)

    def ending(self, statement, message=None):
        """COMMIT of a block; raises nothing, because the transaction ends in any case."""
        error = None
        transaction = self.transaction
        if self.backend.status == b"T":
            error = self.conflict.dead or self.too_old() or self.conflict.doomed
            if not error and transaction.wrote:
                error = self.limits()
            fault = None
            if not error and (transaction.wrote or transaction.ddl):
                fault = self.double.fault()
                error = conflict() if fault == "conflict" else None
            if fault == "cut-before":
                raise Gone("cut as was asked for")
            self.cut_after = fault == "cut-after"
        if error:
            self.refuse_commit(error)
            return
        data = message + SYNC if message else frame(b"Q", text(statement.sql))
        took_effect = self.backend.status == b"T"
        if not self.pass_on(data) and took_effect:
            self.settle()
        self.over()

    def over(self):
        """A block has ended."""
        self.transaction = Transaction()
        self.conflict.forget()

    def refuse_commit(self, error):
        error = meant(error)
        self.backend.execute("ROLLBACK")
        self.over()
        self.double.note("conflicts" if error.state == "40001" else "refused", error.message)
        self.failed = True
        self.out.append(error.frame())

    def limits(self):
        """The error when the transaction is too large or its catalogue too old."""
        if self.version != self.double.version:
            self.version = self.double.version
            return SqlError("40001", STALE)
        used = self.backend.execute("SELECT current_setting('dsql.used', true)")[0][0]
        size = int(used or 0) & ((1 << 40) - 1)
        if size <= 10 << 20:
            return None
        return SqlError("54000", "transaction size limit 10mb exceeded",
                        D=f"Current transaction size {size >> 20}mb > 10mb")

    def pass_on(self, data, hidden=b""):
        """Sends it to the server and the answer to the client, but for ReadyForQuery and what is hidden. Gives the
        first error."""
        first = None
        for messages in self.backend.exchange(data):
            for message in messages:
                kind = message[:1]
                if kind == b"E":
                    message = self.error(message)
                    first = first or message
                    self.failed = True
                elif kind == b"Z" or kind in hidden:
                    continue
                self.out.append(message)
            if sum(map(len, self.out[-64:])) > 65536 and not self.cut_after:
                self.client.sendall(b"".join(self.out))
                self.out.clear()
        return first

    def error(self, message):
        """What the client is told of an error of the server's."""
        fields = error_fields(message)
        found = REFUSAL.search(fields["M"])
        if found and int(found[1]) in self.refusals:
            return self.refusals[int(found[1])].frame()
        # Only the watch cancels, and what it meant may be over by then.
        if fields["C"] in CONFLICTS or fields["C"] == "57014":
            self.double.note("conflicts", fields["M"])
            return conflict().frame()
        if fields["C"] == "54000" or "sys.double_" in fields.get("W", ""):
            more = {letter: fields[letter] for letter in "DH" if letter in fields}
            return SqlError(fields["C"], fields["M"], **more).frame()
        return message
