#!/usr/bin/env python3
"""Tests of the examples as the build has made them: test_examples.py PATH/TO/mastra-store FOLDER [dynamodb] [dsql]"""

import os
import subprocess
import sys

import examples
from dynamodb import KEYS, SUPPORT, endpoint, facts_of
from examples import Programs
from postgres import Postgres
from stores import beside
from support import Store, equal, main, run

PROGRAMS = Programs(sys.argv[2], "example-")


class File(Store):
    """No file yet."""

    def __init__(self, folder):
        self.folder = folder
        self.url = f"file:{folder}/example.db"


class Server(Postgres):
    """An empty schema."""

    def __init__(self, folder):
        super().__init__(None)
        self.folder = folder


class Table(Store):
    """A DynamoDB table without items."""

    count = 0

    def __init__(self, folder):
        Table.count += 1
        name = f"examples-{os.getpid()}-{Table.count}"
        PROGRAMS.environment.update(KEYS)
        equal(run("dynamodb-setup", "--table", name, "--endpoint", endpoint(), "--quiet", env=KEYS)[0], 0)
        self.folder = folder
        self.url = f"dynamodb://us-east-1/{name}?endpoint={endpoint()}"


class Cluster(Store):
    """An empty schema of the double of Aurora DSQL."""

    def __init__(self, folder):
        if "MASTRA_TEST_DSQL_HOST" not in os.environ:
            Cluster.child = subprocess.Popen([os.path.join(SUPPORT, "dsql-server")], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, text=True)
            os.environ.update(facts_of(Cluster.child))
        facts = {name: os.environ[f"MASTRA_TEST_DSQL_{name}"]
                 for name in ("HOST", "ADDRESS", "PORT", "CA", "KEY_ID", "SECRET")}
        PROGRAMS.environment.update(AWS_ACCESS_KEY_ID=facts["KEY_ID"], AWS_SECRET_ACCESS_KEY=facts["SECRET"])
        self.folder = folder
        self.url = (f"dsql://{facts['HOST']}?hostaddr={facts['ADDRESS']}&port={facts['PORT']}"
                    f"&sslrootcert={facts['CA']}&schema=examples_{os.getpid()}")


def test_quickstart(store: File):
    examples.quickstart(PROGRAMS, store.folder)


def test_chat(store: File):
    examples.chat(PROGRAMS, store.url)


def test_chat_on_postgresql(store: Server):
    examples.chat(PROGRAMS, store.url)


def test_trace(store: File):
    examples.trace(PROGRAMS, store.url)


def test_trace_on_postgresql(store: Server):
    examples.trace(PROGRAMS, store.url)


def test_move_to_another_file(store: File):
    examples.move(PROGRAMS, store.url, beside(store, "new.db"))


def test_move_to_postgresql_and_back(store: Server):
    examples.move(PROGRAMS, f"file:{store.folder}/old.db", store.url)
    lines = PROGRAMS.lines("move", store.url, f"file:{store.folder}/back.db")
    equal((len(lines), lines[-1]), (4, "visit 7"))


def move_to_dynamodb(store: Table):
    examples.move(PROGRAMS, f"file:{store.folder}/old.db", store.url)


def move_to_aurora_dsql_and_back(store: Cluster):
    examples.move(PROGRAMS, f"file:{store.folder}/old.db", store.url)
    lines = PROGRAMS.lines("move", store.url, f"file:{store.folder}/back.db")
    equal((len(lines), lines[-1]), (4, "visit 7"))


def test_workflow(store: File):
    examples.workflow(PROGRAMS, store.url)


def test_workflow_that_is_killed(store: File):
    examples.workflow_killed(PROGRAMS, store.url)


def test_workflow_that_is_killed_on_postgresql(store: Server):
    examples.workflow_killed(PROGRAMS, store.url)


def test_workflow_that_is_paused(store: File):
    examples.workflow_fenced(PROGRAMS, store.url)


def test_workflow_that_is_paused_on_postgresql(store: Server):
    examples.workflow_fenced(PROGRAMS, store.url)


def test_wrong_use(store: File):
    """Nothing is made, and the exit code tells."""
    for name in examples.NAMES:
        if name not in ("async", "quickstart"):
            equal(PROGRAMS.run(name)[0], 2)
    equal(PROGRAMS.run("chat", "nonsense://x")[0] != 0, True)
    equal(PROGRAMS.run("move", store.url, beside(store, "new.db"))[0], 6)


# Backends that not every build has.
if "dynamodb" in sys.argv:
    test_move_to_dynamodb = move_to_dynamodb
if "dsql" in sys.argv:
    test_move_to_aurora_dsql_and_back = move_to_aurora_dsql_and_back

main(globals())
