"""What the examples have to do, wherever they were built."""

import json
import os
import re
import signal
import subprocess

from support import contains, equal, run

NAMES = ("async", "chat", "move", "quickstart", "trace", "workflow")
TABLES = ("mastra_threads", "mastra_messages", "mastra_workflow_snapshot")
# Milliseconds: long enough for a slow machine to renew it in time.
LEASE = "4000"
FENCED = 10


class Programs:
    """The examples of a folder, their names behind a prefix."""

    def __init__(self, folder, prefix="", libraries=None):
        self.folder, self.prefix = folder, prefix
        self.environment = dict(os.environ)
        if libraries:
            self.environment["LD_LIBRARY_PATH"] = libraries

    def start(self, name, *args, **kwargs):
        return subprocess.Popen([os.path.join(self.folder, self.prefix + name), *args], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment, **kwargs)

    def run(self, name, *args, stdin=b"", cwd=None):
        """Exit code, stdout, stderr."""
        with self.start(name, *args, cwd=cwd) as process:
            out, err = process.communicate(stdin, timeout=300)
        return process.returncode, out.decode(), err.decode()

    def lines(self, name, *args, **kwargs):
        """What a program that succeeds prints."""
        code, out, err = self.run(name, *args, **kwargs)
        equal((code, err), (0, ""))
        return out.splitlines()


def quickstart(programs, folder):
    lines = programs.lines("quickstart", cwd=folder)
    equal([line.split(":")[0] for line in lines], ["user", "assistant"])
    equal(programs.lines("async"), ["100 saved"])


def chat(programs, url):
    """It goes on where it was left, shows the last page, and survives what cannot be stored."""
    first = b'hello\n"quoted" \\ and\ttab\nnot \xff UTF-8\nthree\n'
    code, out, err = programs.run("chat", url, stdin=first)
    equal((code, out.splitlines()), (0, [f"assistant: That was message {n} of ours, {size} bytes long."
                                         for n, size in ((1, 5), (2, 18), (3, 5))]))
    contains(err, "messages[0].content is not valid UTF-8")
    lines = programs.lines("chat", url, stdin="vier \u00e4\n\nnot read\n".encode())
    equal(lines, ["user: hello", "assistant: That was message 1 of ours, 5 bytes long.",
                  'user: "quoted" \\ and\ttab', "assistant: That was message 2 of ours, 18 bytes long.",
                  "user: three", "assistant: That was message 3 of ours, 5 bytes long.",
                  "assistant: That was message 4 of ours, 7 bytes long."])
    lines = programs.lines("chat", url)
    equal((lines[0], len(lines)), ("(2 earlier messages)", 7))


def trace(programs, url):
    """Fifteen spans in two batches; the newest trace comes first."""
    lines = programs.lines("trace", url)
    equal(lines[:3], ["saved 8 spans", "saved 7 spans", "3 traces"])
    equal(sorted(lines[3:]), sorted(f"agent run: weather: {status}, 5 spans" for status in ("success", "error", "success")))
    code, out, err = run("traces", "--errors", "--json", env={"MASTRA_STORE_URL": url})
    equal((code, err, json.loads(out)["pagination"]["total"]), (0, "", 1))


def move(programs, old, new):
    """The same work by another URL; what is moved twice does no harm."""
    for n in (1, 2, 3):
        equal(programs.lines("move", old), [f"visit {n}"])
    counts = [f"{table}: {rows} rows, {{}} of them new" for table, rows in zip(TABLES, (1, 3, 3), strict=True)]
    equal(programs.lines("move", old, new), [line.format(line.split()[1]) for line in counts] + ["visit 4"])
    equal(programs.lines("move", old, new), [line.format(0) for line in counts] + ["visit 5"])
    equal(programs.lines("move", new), ["visit 6"])
    # The first one is as it was left.
    equal(programs.lines("move", old), ["visit 4"])


def _expect(process, *lines):
    """The next lines that it prints; one may be a pattern."""
    for line in lines:
        got = process.stdout.readline().decode().rstrip("\n")
        if not re.fullmatch(line, got):
            raise AssertionError(f"got {got!r}, want {line!r}; {process.poll()}")


def _press_enter(process):
    process.stdin.write(b"\n")
    process.stdin.flush()


def _prompt(step):
    return f"{step}: press Enter when it is done"


def _steps(url, run_id):
    args = json.dumps({"workflowName": "order", "runId": run_id})
    code, out, err = run("call", "loadWorkflowSnapshot", args, env={"MASTRA_STORE_URL": url})
    equal((code, err), (0, ""))
    snapshot = json.loads(out)
    return snapshot["status"], sorted(snapshot["context"])


def workflow(programs, url):
    lines = programs.lines("workflow", url, "plain", stdin=b"\n")
    equal(lines[-3:], ["reserve: saved", _prompt("charge"), "stopped; start again to go on"])
    equal(_steps(url, "plain"), ("running", ["reserve"]))
    equal(programs.lines("workflow", url, "plain", stdin=b"\n\n")[1:],
          ["reserve: done before", _prompt("charge"), "charge: saved", _prompt("ship"), "ship: saved", "run plain is done"])
    equal(_steps(url, "plain"), ("success", ["charge", "reserve", "ship"]))


def workflow_killed(programs, url):
    """Killed at a step, it goes on with this step once the lease is over."""
    with programs.start("workflow", url, "killed", LEASE) as process:
        _expect(process, "locked, generation 1", _prompt("reserve"))
        _press_enter(process)
        _expect(process, "reserve: saved", _prompt("charge"))
        process.kill()
    equal(_steps(url, "killed"), ("running", ["reserve"]))
    lines = programs.lines("workflow", url, "killed", LEASE, stdin=b"\n\n")
    equal(lines[:3], ["locked, generation 2", "reserve: done before", _prompt("charge")])
    equal((lines[-1], _steps(url, "killed")[0]), ("run killed is done", "success"))


def workflow_fenced(programs, url):
    """While somebody works nobody else does; who was paused for longer than the lease is refused."""
    with programs.start("workflow", url, "fenced", LEASE) as paused:
        _expect(paused, "locked, generation 1", _prompt("reserve"))
        equal(programs.lines("workflow", url, "fenced", "100"), ["another process works on run fenced"])
        paused.send_signal(signal.SIGSTOP)
        try:
            with programs.start("workflow", url, "fenced", LEASE) as other:
                _expect(other, "locked, generation 2", _prompt("reserve"))
                paused.send_signal(signal.SIGCONT)
                out, err = paused.communicate(b"\n", timeout=300)
                equal(paused.returncode, FENCED)
                contains(err.decode(), "lock")
                equal("reserve: saved" in out.decode(), False)
                equal(_steps(url, "fenced"), ("running", []))
                out = other.communicate(b"\n\n\n", timeout=300)[0].decode()
                equal((other.returncode, out.splitlines()[-1]), (0, "run fenced is done"))
        finally:
            if paused.poll() is None:
                paused.kill()
