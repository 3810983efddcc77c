#!/usr/bin/env python3
"""Tests of the examples as the build has made them: test_examples.py PATH/TO/mastra-store FOLDER"""

import sys

import examples
from examples import Programs
from postgres import Postgres
from stores import beside
from support import Store, equal, main

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


main(globals())
