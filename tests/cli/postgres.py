"""Stores on the PostgreSQL server of this run of the tests, and their tables looked at from behind."""

import os
import subprocess

from support import Store, fails, run

SERVER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support/postgres-server")
MISSING = 77


def server():
    """What is known of the server of this run of the tests; one of our own, until we end, when there is none."""
    if "MASTRA_TEST_POSTGRES" not in os.environ:
        child = subprocess.Popen([SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in child.stdout:
            if line == "\n":
                break
            name, value = line.rstrip("\n").split("=", 1)
            os.environ[name] = value
        if "MASTRA_TEST_POSTGRES" not in os.environ:
            print("there is no PostgreSQL")
            raise SystemExit(MISSING)
        server.child = child
    return os.environ


class Postgres(Store):
    """A schema of its own, named by the variable, with what every Store begins with; without a folder an empty one."""

    count = 0

    def __init__(self, folder):
        Postgres.count += 1
        self.url = f"{server()['MASTRA_TEST_POSTGRES']}&schema=cli_{os.getpid()}_{Postgres.count}"
        self.schema = f"cli_{os.getpid()}_{Postgres.count}"
        if folder:
            super().fill()

    def run(self, *args, **kwargs):
        return run(*args, env={"MASTRA_STORE_URL": self.url}, **kwargs)

    def fails(self, code, message, *args):
        fails(code, message, *args, env={"MASTRA_STORE_URL": self.url})

    def psql(self, *statements, **kwargs):
        """The process that runs the statements in the schema; it prints their rows without ornaments."""
        return subprocess.Popen([os.path.join(server()["MASTRA_TEST_POSTGRES_BIN"], "psql"), "-XqAt", "-F", "\t",
                                 "-v", "ON_ERROR_STOP=1", "-d", server()["MASTRA_TEST_POSTGRES"],
                                 *(word for statement in statements for word in ("-c", statement))],
                                env={**os.environ, "PGOPTIONS": f"-csearch_path={self.schema}"}, text=True,
                                stdout=subprocess.PIPE, **kwargs)

    def sql(self, *statements):
        """Runs them; returns the rows, as texts."""
        with self.psql(*statements) as process:
            out = process.stdout.read()
        if process.returncode:
            raise AssertionError(statements)
        return [line.split("\t") for line in out.splitlines()]
