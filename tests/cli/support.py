"""What the tests of the mastra-store command share. They get its path as their argument, and print TAP."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import unicodedata

COMMAND = os.path.abspath(sys.argv[1])
DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
UUID = "0b6c9e0e-1111-4222-8333-444455556666"
# What would change the output.
UNSET = ("MASTRA_STORE_URL", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR")


def run(*args, stdin="", env=None, cwd=None, raw=False):
    """Runs the command; returns (exit code, stdout, stderr)."""
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    environment.update(env or {})
    done = subprocess.run([COMMAND, *args], input=stdin if raw else stdin.encode(), capture_output=True,
                          env=environment, cwd=cwd, timeout=300, check=False)
    return done.returncode, done.stdout if raw else done.stdout.decode(), done.stderr.decode()


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is not in {text!r}")


def fails(code, message, *args, **kwargs):
    """The command ends with this code and one line of error that holds the message."""
    got, out, err = run(*args, **kwargs)
    equal((got, out), (code, ""))
    equal(err.count("\n"), 1)
    if not err.startswith("mastra-store: "):
        raise AssertionError(err)
    contains(err, message)


class Store:
    """A new file with a thread, two messages and a resource."""

    def __init__(self, folder):
        self.url = "file:" + os.path.join(folder, "agent.db")
        self.fill()

    def fill(self):
        self.call("saveThread", {"thread": {"id": "t1", "resourceId": "r1", "title": "First"}})
        self.call("saveMessages", {"messages": [
            {"id": UUID, "threadId": "t1", "resourceId": "r1", "role": "user", "content": "plain text",
             "createdAt": "2024-01-01T00:00:01Z"},
            {"id": "m2", "threadId": "t1", "resourceId": "r1", "role": "assistant", "createdAt": 1704067202000,
             "content": {"format": 2, "parts": [{"type": "text", "text": "part one"},
                                                {"type": "text", "text": "part two"}]}}]})
        self.call("updateResource", {"resourceId": "r1", "workingMemory": "# Ada\nlikes tea"})

    def run(self, *args, **kwargs):
        return run("--store", self.url, *args, **kwargs)

    def output(self, *args, **kwargs):
        code, out, err = self.run(*args, **kwargs)
        equal((code, err), (0, ""))
        return out

    def call(self, operation, args):
        return json.loads(self.output("call", operation, "-", stdin=json.dumps(args)))

    def pipe(self, *lines):
        return [json.loads(line) for line in self.output("pipe", stdin="".join(lines)).splitlines()]

    def lines(self, *args, **kwargs):
        return self.output(*args, **kwargs).splitlines()

    def json(self, *args):
        return json.loads(self.output(*args, "--json"))

    def fails(self, code, message, *args):
        fails(code, message, "--store", self.url, *args)


class Fixture(Store):
    """A copy of the database that Mastra wrote: two runs, five traces with 32 spans."""

    def __init__(self, folder):
        path = os.path.join(folder, "fixture.db")
        shutil.copyfile(os.path.join(DATA, "fixtures/mastra-libsql-1.23.1.db"), path)
        self.url = "file:" + path


def golden(name, text):
    """The text is that of tests/data/cli/NAME.txt, which is written instead where UPDATE_GOLDEN is set."""
    path = os.path.join(DATA, "cli", name + ".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with open(path, encoding="utf-8") as file:
        want = file.read()
    if text != want:
        raise AssertionError(f"not as in {path}:\n{text}")


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def main(module):
    """Runs the functions test_*; each gets a store of its own, of the class that its argument's annotation names."""
    tests = [(name[len("test_"):].replace("_", " "), function)
             for name, function in module.items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            with tempfile.TemporaryDirectory() as folder:
                function(next(iter(function.__annotations__.values()), Store)(folder))
            print(f"ok {number} {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} {name}")
            print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    sys.exit(1 if failed else 0)
