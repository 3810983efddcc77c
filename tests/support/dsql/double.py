#!/usr/bin/env python3
"""A double of Aurora DSQL for tests: TLS, tokens, and what the service refuses, before a real PostgreSQL.

    double.py CONFIGURATION

CONFIGURATION is a file of JSON that tests/support/dsql-server writes. It prints its port and serves until its standard
input ends.

A test steers it over the Unix socket MASTRA_TEST_DSQL_CONTROL: one command a line, answered by one line, `ok` with
what was asked for behind it, or `error: ...`.

    set NAME VALUE       changes a setting for what comes from now on (see SETTINGS below)
    get NAME             tells a setting
    reset                settings, faults and counters as they were at the start
    fail N KIND          what happens to the N-th commit from now on (1: the next). Commits are those of transactions
                         that wrote, a statement of its own included. KIND is one of
                           conflict     it is refused with 40001 and OC000, and nothing took effect
                           cut-before   the connection is cut, and nothing took effect
                           cut-after    it takes effect, and the connection is cut before it is told
    drop                 cuts all connections
    schema-changed       as if somebody had changed the schema: every session is told OC001 once
    key ID SECRET [session=TOKEN] [actions=A,B] [arn=ARN] [expires=SECONDS]
                         makes an access key known, or changes it; SECONDS from now
    forget ID            makes an access key unknown
    count NAME           how often something happened since the start or the last reset: connections (open now),
                         accepted, denied, refused (statements), commits, conflicts, stale (OC001), doomed (transactions that will not
                         commit), closed (by age), broken (the double itself failed)
    log [N]              the last things that were noted, as JSON
    finish-jobs          ends the asynchronous builds that wait, whatever their delay"""

import collections
import json
import os
import socket
import sys
import threading
import time

from control import Control
from door import Gate, contexts
from iam import Denied, Key
from session import Session
from statements import EQUALITY
from watch import Jobs, Watch
from wire import Backend, SqlError

# Names, values at the start, and their meaning. Times are in seconds.
SETTINGS = {
    "region": "us-east-1",
    "clock": 0.0,  # how far the clock that judges tokens is ahead of the machine's
    "connection_life": 3600.0,
    "transaction_age": 300.0,
    "connections": 10000,  # that may be open at once
    "rate": 100.0,  # new connections a second
    "burst": 1000,
    "sleeping": False,  # the cluster is waking up and takes no connections
    "lock_wait": 0.05,  # after which somebody idle gives up a lock that another waits for
    "index_delay": 0.05,  # until an asynchronous index is built
    "statistics": False,  # sizes and statistics of tables and indexes may be asked for
    "many_schemas": False,  # more than ten schemas may be made; only at the start
    "modifying_with": False,  # WITH may hold INSERT, UPDATE and DELETE
}


class Double:
    def __init__(self, configuration):
        self.configuration = configuration
        self.server = configuration["server"]
        self.settings = dict(SETTINGS)
        self.names = {name: name for name in configuration["hosts"]}
        self.keys = {}
        self.contexts = contexts(configuration["certificate"], configuration["key"], self.names)
        self.lock = threading.Lock()
        self.sessions = set()
        self.counters = collections.Counter()
        self.journal = collections.deque(maxlen=1000)
        self.version = 0
        self.tick = 50
        self.pace = Gate(self.settings)
        for key in configuration["keys"]:
            self.keys[key["id"]] = Key(key["secret"], key.get("session"))
        for name, value in configuration["settings"].items():
            self.set(name, value)
        self.beginning = dict(self.settings)
        self.known_keys = dict(self.keys)
        self.faults = {}
        self.primary_keys = {}
        self.prepare()
        self.watch = Watch(self)
        self.jobs = Jobs(self)
        self.catalogue = Backend(self.server)

    def set(self, name, value):
        """Changes a setting, from text."""
        old = self.settings[name]
        self.settings[name] = {"on": True, "off": False}[value] if isinstance(old, bool) else type(old)(value)

    def prepare(self):
        """Makes the database what the service's is."""
        there = Backend(self.server, database="mastra")
        there.query("DROP DATABASE IF EXISTS postgres WITH (FORCE)")
        there.query("CREATE DATABASE postgres TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")
        there.query("CREATE ROLE admin LOGIN CREATEROLE")
        there.query("ALTER DATABASE postgres OWNER TO admin")
        there.close()
        here = Backend(self.server)
        here.query("ALTER SCHEMA public OWNER TO admin; REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
                   f"ALTER DATABASE postgres SET dsql.schemas TO '{'any' if self.settings['many_schemas'] else 'ten'}'")
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "setup.sql"), encoding="utf-8") as file:
            here.query("SET dsql.schemas TO 'any';" + file.read())
        here.close()

    def now(self):
        return time.time() + self.settings["clock"]

    def reset(self):
        with self.lock:
            self.settings.update(self.beginning)
            self.keys = dict(self.known_keys)
            self.faults.clear()
            self.counters.clear()
            self.journal.clear()
        self.pace.fill()

    def check_role(self, user, key):
        """Roles other than admin are for those whom AWS IAM GRANT has given them."""
        if user == "admin":
            return
        name, arn = (word.replace("'", "''") for word in (user, key.arn))
        with self.lock:
            if not self.catalogue.query("SELECT FROM sys.iam_pg_role_mappings "
                                        f"WHERE pg_role_name = '{name}' AND arn = '{arn}'"):
                raise Denied(f"the role is not granted to {key.arn}")

    def primary_key(self, table):
        """The columns of a table's key; the table is a schema, or None, and a name."""
        path = ".".join('"' + part.replace('"', '""') + '"' for part in table if part).replace("'", "''")
        with self.lock:
            if table not in self.primary_keys:
                rows = self.catalogue.query(
                    "SELECT a.attname FROM pg_index AS x JOIN pg_attribute AS a ON a.attrelid = x.indrelid "
                    f"AND a.attnum = ANY (x.indkey) WHERE x.indisprimary AND x.indrelid = to_regclass('{path}')")
                self.primary_keys[table] = [row[0] for row in rows]
            return self.primary_keys[table]

    def check_lock(self, lock):
        """FOR UPDATE needs the whole key."""
        key = self.primary_key(lock.table)
        if not key or not set(key) <= lock.columns:
            raise SqlError("0A000", EQUALITY)

    def bump(self, session):
        """The schema changed: every session but the one that did it will be told."""
        with self.lock:
            self.primary_keys.clear()
            self.version += 1
            if session and session.version == self.version - 1:
                session.version = self.version

    def fail(self, number, kind):
        with self.lock:
            self.faults[number] = kind

    def fault(self):
        """A commit is about to happen: what is to befall it, if anything."""
        if not self.faults:
            return None
        with self.lock:
            found = self.faults.pop(1, None)
            self.faults = {number - 1: kind for number, kind in self.faults.items()}
            return found

    def all_sessions(self):
        with self.lock:
            return list(self.sessions)

    def note(self, what, detail=""):
        with self.lock:
            self.counters[what] += 1
            self.journal.append([round(time.time(), 3), what, detail[:400]])

    def count(self, name):
        with self.lock:
            return len(self.sessions) if name == "connections" else self.counters[name]

    def drop(self):
        for session in self.all_sessions():
            session.cut()

    def serve(self, listener):
        while True:
            plain, _ = listener.accept()
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.live, args=(Session(self, plain),), daemon=True).start()

    def live(self, session):
        with self.lock:
            self.sessions.add(session)
            self.counters["accepted"] += 1
        try:
            session.run()
        finally:
            with self.lock:
                self.sessions.discard(session)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        double = Double(json.load(file))
    # Sessions are many and brief: who waits for the interpreter should not wait long.
    sys.setswitchinterval(0.0005)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    control = Control(double, double.configuration["control"])
    threading.Thread(target=double.serve, args=(listener,), daemon=True).start()
    for act in (control.serve, double.watch.run, double.jobs.run):
        threading.Thread(target=act, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
