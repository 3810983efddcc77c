"""Optimistic concurrency on a server that locks.

The service lets every transaction work on its snapshot and refuses the commit of the second of two that changed the
same row. PostgreSQL has the second wait, and fail at its statement. So every statement that writes in a block
stands behind a savepoint here. If it fails for a conflict, the transaction goes back to the savepoint and is doomed: it
will fail at COMMIT, and nothing of it stays. Until then it works on copies of the tables that it names,
temporary ones, filled from its snapshot: what it reads and writes there is what it would have been.

Whoever has waited for a lock too long (watch.py) gets it: then the holder is the one that is doomed, and what it wrote
is carried over into its copies before its locks are given up."""

import re
import struct

from statements import LOCK
from wire import NAMED, NUMBER, OURS, SqlError, error_fields, frame, named, text

SYNC = frame(b"S")
SHADOW = b"double_shadow\0"
SHORT = struct.Struct("!h")
PARAM = re.compile(r"\$(\d+)")
NAMES = """SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n
    ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence = 'p'
    AND n.nspname NOT IN ('sys', 'pg_catalog', 'information_schema') ORDER BY n.nspname = ANY (current_schemas(false))"""
HELD = """SELECT DISTINCT n.nspname::text, c.relname::text FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_class AS c
    ON c.oid = l.relation JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.mode = 'RowExclusiveLock' AND c.relkind = 'r'
    AND c.relpersistence = 'p' AND n.nspname NOT IN ('sys', 'pg_catalog')"""


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Parameters:
    """What a Bind message holds behind its names."""

    def __init__(self, bind):
        place = 2 + 2 * SHORT.unpack_from(bind)[0]
        self.count = SHORT.unpack_from(bind, place)[0]
        place += 2
        for _ in range(self.count):
            place += 4 + max(0, NUMBER.unpack_from(bind, place)[0])
        # Without the formats of results, which another statement has not.
        self.without_results = bind[:place] + b"\0\0"


def types_for(sql, prepared, count):
    """The types of all parameters, for a statement that uses only some: the others need one too."""
    given = SHORT.unpack_from(prepared.types)[0]
    oids = list(struct.unpack_from(f"!{given}I", prepared.types, 2)) + [0] * max(0, count - given)
    used = {int(n) for n in PARAM.findall(sql)}
    oids = [oid if oid or i + 1 in used else 25 for i, oid in enumerate(oids)]
    return struct.pack(f"!h{len(oids)}I", len(oids), *oids)


class Conflict:
    """Of one session."""

    def __init__(self, session):
        self.session = session
        self.forget()

    def forget(self):
        """The transaction is over."""
        self.doomed = None  # what COMMIT will fail with
        self.dead = None  # what the next statement will fail with
        self.names = None
        self.shadows = set()
        self.victim = False
        self.savepoint = False

    # Statements that write.

    def attempt(self, statement, portal, message=None):
        if self.doomed:
            self.in_shadow(statement, portal, message)
            return
        failed = self.straight(statement, portal, message)
        if not failed:
            return
        fields = error_fields(failed)
        state = fields["C"]
        waited = self.victim and state == "57014"
        self.victim = False
        if state not in ("40001", "40P01", "55P03", "23505") and not waited:
            self.session.failed = True
            self.session.out.append(self.session.error(failed))
            return
        self.session.backend.execute("ROLLBACK TO SAVEPOINT double_last")
        self.doom(fields["M"])
        # A row that is there already, seen or not: in the copy, a duplicate is one of the snapshot's.
        if self.in_shadow(statement, portal, message) and state == "23505":
            self.doomed = None

    def doom(self, why):
        """Gives up all locks on rows, and goes on with copies."""
        backend = self.session.backend
        contents = {}
        for schema, name in backend.execute(HELD):
            rows = backend.execute(f"COPY (SELECT * FROM {quoted(schema)}.{quoted(name)}) TO STDOUT")
            contents[schema, name] = b"".join(rows)
        backend.execute("ROLLBACK TO SAVEPOINT double_first")
        for (schema, name), content in contents.items():
            self.shadows.add(name)
            self.create(schema, name)
            backend.execute(f"COPY pg_temp.{quoted(name)} FROM STDIN", content)
        self.doomed = SqlError("40001", "change conflicts with another transaction, please retry: (OC000)")
        self.session.double.note("doomed", why)

    def injected(self, statement, portal):
        """What comes before: a savepoint, and a row that is to be locked is written."""
        sqls = ["SAVEPOINT double_last"]
        if not self.savepoint:
            sqls.insert(0, "SAVEPOINT double_first")
        # None is ever released: who waits for a row of it would wait for the whole transaction from then on.
        self.savepoint = True
        data = [named(OURS, sql) for sql in sqls]
        if statement.kind == LOCK:
            sql = self.touch(statement)
            if portal:
                parameters = Parameters(portal.bind)
                data.append(named(OURS, sql, types_for(sql, portal.prepared, parameters.count),
                                  parameters.without_results))
            else:
                data.append(named(OURS, sql))
        # Each is answered by its completion as well.
        return b"".join(data), (NAMED + 1) * len(data)

    def touch(self, statement):
        """An UPDATE of what FOR UPDATE is about: it takes part in the check as if it were written."""
        lock, begin = statement.lock, statement.tokens[0].begin
        source = statement.sql[lock.source[0].begin - begin:lock.source[-1].end - begin]
        where = statement.sql[lock.where[0] - begin:lock.where[1] - begin]
        key = quoted(self.session.double.primary_key(lock.table)[0])
        return f"UPDATE {source} SET {key} = {key} WHERE {where}"

    def straight(self, statement, portal, message):
        """On the tables themselves. Gives the error, which nobody has been told."""
        data, skip = self.injected(statement, portal)
        if message and statement.kind == LOCK:
            # What was bound before the row was written would not find it.
            data += frame(b"C", b"P" + SHADOW) + frame(b"B", SHADOW + portal.name + b"\0" + portal.bind)
            message = frame(b"E", SHADOW + message[-4:]) + frame(b"C", b"P" + SHADOW)
            return self.collect(data + message + SYNC, skip + 2, b"3")
        if message:
            return self.collect(data + message + SYNC, skip)
        return self.collect(data + SYNC, skip) or self.collect(frame(b"Q", text(statement.sql)), 0)

    def collect(self, data, skip, hidden=b""):
        failed, found = None, []
        for messages in self.session.backend.exchange(data):
            for message in messages:
                if message[:1] == b"E":
                    failed = failed or message
                elif message[:1] in b"ZNS" or failed:
                    continue
                elif skip:
                    skip -= 1
                elif message[:1] not in hidden:
                    found.append(message)
        if not failed:
            self.session.out += found
        return failed

    # Copies.

    def in_shadow(self, statement, portal, message):
        """Executes it on copies. Gives the error that the client was told, if any."""
        try:
            sql = self.translated(statement)
        except SqlError as error:
            self.session.fail(error)
            return error
        if message:
            data = named(SHADOW, sql, portal.prepared.types, portal.bind, message[-4:])
            return self.session.pass_on(data + SYNC, b"123")
        return self.session.pass_on(frame(b"Q", text(sql)))

    def translated(self, statement):
        """The statement on copies of the tables that it names."""
        tokens, begin, sql = statement.tokens, statement.tokens[0].begin, statement.sql
        if statement.rewritten:
            raise SqlError("XX000", "the double cannot execute this on copies")
        if statement.lock:
            sql = sql[:statement.lock.clause - begin]
        known = self.known()
        for i in range(len(tokens) - 1, -1, -1):
            token = tokens[i]
            if not token.is_name() or token.begin - begin >= len(sql):
                continue
            after = tokens[i + 2] if i + 2 < len(tokens) and tokens[i + 1].text == "." else None
            if after and (token.text, after.text) in known:
                self.shadow(token.text, after.text)
                sql = sql[:token.begin - begin] + "pg_temp" + sql[token.end - begin:]
            elif token.text in known.values() and not (i and tokens[i - 1].text == "."):
                # Temporary tables are found before all others.
                self.shadow(next(s for s, n in known if n == token.text), token.text)
        return sql

    def known(self):
        if self.names is None:
            rows = self.session.backend.execute(NAMES)
            # Of equal names, the search path's comes first.
            self.names = {(s, n): n for s, n in reversed(rows)}
        return self.names

    def shadow(self, schema, name):
        if name in self.shadows:
            return
        self.shadows.add(name)
        self.create(schema, name)
        self.session.backend.execute(f"INSERT INTO pg_temp.{quoted(name)} SELECT * FROM "
                                     f"{quoted(schema)}.{quoted(name)}")

    def create(self, schema, name):
        self.session.backend.execute(f"CREATE TEMP TABLE {quoted(name)} (LIKE {quoted(schema)}.{quoted(name)} "
                                     "INCLUDING ALL) ON COMMIT DROP")

    # By another thread, while the session is idle within its transaction.

    def give_up(self):
        """Somebody else wants to write what this transaction has written."""
        if not self.savepoint:
            self.die()
        elif not self.doomed:
            self.doom("somebody else changed the same row and did not wait")

    def die(self):
        """Gives up everything, because the schema changes."""
        backend = self.session.backend
        backend.execute("ROLLBACK")
        backend.execute("BEGIN")
        self.dead = SqlError("40001", "schema has been updated by another transaction, please retry: (OC001)")
        self.session.double.note("doomed", "the schema changes")
