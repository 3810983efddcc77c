#!/usr/bin/env python3
"""Tests of the commands on two stores, copy and diff: test_copy.py PATH/TO/mastra-store"""

import json
import os
import fcntl
import pty
import random
import re
import signal
import sqlite3
import struct
import subprocess
import termios
import threading
import time

from stores import beside, content, fill, named, path, sql
from support import COMMAND, Fixture, contains, equal, fails, main, run

TABLES = ("threads", "messages", "resources", "workflow_snapshot", "ai_spans", "scorers", "evals", "traces",
          "workflow_run_locks")
# What tells the rows of a table apart.
KEYS = {"mastra_workflow_snapshot": "workflow_name || ' ' || run_id", "mastra_ai_spans": "traceId || ' ' || spanId",
        "mastra_workflow_run_locks": "workflow_name || ' ' || run_id"}


def copy(store, target, *args):
    code, out, err = run("copy", store.url, target, "--json", *args)
    equal((code, err), (0, ""))
    return json.loads(out)


def counts(report, member):
    return {table[len("mastra_"):]: count[member] for table, count in report["tables"].items() if count[member]}


def diff(one, other, *args):
    code, out, err = run("diff", one, other, "--json", *args)
    equal(err, "")
    result = json.loads(out)
    equal(code, 0 if result["equal"] else 1)
    return result


# copy

def test_copy(store: Fixture):
    target = beside(store, "copy.db")
    code, out, err = run("copy", store.url, target)
    equal((code, err), (0, ""))
    lines = [line.split() for line in out.splitlines()]
    equal(lines[0], ["TABLE", "ROWS", "ADDED", "CHANGED", "REFUSED"])
    equal(lines[1:3], [["mastra_threads", "1", "1", "0", "0"], ["mastra_messages", "6", "6", "0", "0"]])
    equal(out.splitlines()[-1], "41 rows read, 41 added, 0 changed")
    equal(run("diff", store.url, target)[1].splitlines()[-1], "equal")
    # Whatever is read through the one is read through the other.
    for command in (("threads",), ("runs",), ("traces",), ("scores",)):
        equal(run("--store", target, *command, "--json")[1], store.output(*command, "--json"))


def test_copy_keeps_every_column(store):
    for seed in range(3):
        other = named(store, f"from{seed}.db")
        fill(other, seed)
        target = beside(store, f"to{seed}.db")
        report = copy(other, target)
        equal(report["notes"], [])
        equal(counts(report, "added"), counts(report, "from"))
        equal(sorted(counts(report, "from")), sorted(TABLES))
        equal(content(target), content(other.url))
        equal(diff(other.url, target)["equal"], True)
        # Again: nothing is left to do.
        report = copy(other, target)
        equal((counts(report, "added"), counts(report, "changed")), ({}, {}))
        equal(content(target), content(other.url))


def test_copy_keeps_the_order_of_equal_times(store):
    draw = random.Random(7)
    ids = [f"{draw.randrange(10**9)}" for _ in range(2500)]
    for at in range(0, len(ids), 500):
        store.call("saveMessages", {"messages": [
            {"id": n, "threadId": draw.choice("ab"), "role": "user", "content": "c", "createdAt": 1} for n in ids[at:at + 500]]})
    target = beside(store, "copy.db")
    copy(store, target, "--batch", "7")
    args = json.dumps({"threadId": ["a", "b"], "perPage": False})
    listed = json.loads(run("--store", target, "call", "listMessages", args)[1])
    equal([message["id"] for message in listed["messages"]], ids)


def test_copy_brings_over_what_has_changed(store):
    fill(store, 1)
    target = beside(store, "copy.db")
    copy(store, target)
    store.call("updateThread", {"id": "t1", "title": "Second", "metadata": {"new": True}})
    store.call("saveMessages", {"messages": [{"id": "m9", "threadId": "t1", "role": "user", "content": "late"}]})
    sql(store.url, "UPDATE mastra_messages SET createdAt = '2020-01-01T00:00:00.000Z' WHERE id = 'm2'")
    sql(store.url, "UPDATE mastra_workflow_snapshot SET resourceId = NULL, createdAt = '2020-01-01T00:00:00.000Z'"
                   " WHERE run_id = 'run3'")
    run("--store", target, "call", "saveThread", '{"thread":{"id":"only there","resourceId":"r"}}')
    dry = copy(store, target, "--dry-run")
    report = copy(store, target)
    equal((dry["dryRun"], report["dryRun"]), (True, False))
    for one in (dry, report):
        equal(counts(one, "added"), {"messages": 1})
        equal(counts(one, "changed"), {"threads": 1, "messages": 1, "workflow_snapshot": 1})
    equal([(note["what"], note["key"]) for note in diff(store.url, target)["notes"]], [("extra", "only there")])


def test_what_is_newer_may_be_kept(store):
    fill(store, 1)
    target = beside(store, "copy.db")
    copy(store, target)
    # Of each table with an updatedAt: one row changed later in the target, one earlier, one without a time there.
    changed = {"threads": ("title", "id"), "resources": ("workingMemory", "id"), "workflow_snapshot": ("resourceId", "run_id"),
               "ai_spans": ("name", "spanId"), "scorers": ("reason", "id")}
    for table, (column, key) in changed.items():
        rows = [row[0] for row in sql(target, f"SELECT {key} FROM mastra_{table} ORDER BY rowid LIMIT 2")]
        for row, year in zip(rows, ("2999", "1999")):
            sql(target, f"UPDATE mastra_{table} SET {column} = 'other', updatedAt = '{year}-01-01T00:00:00.000Z'"
                        f" WHERE {key} = ?", row)
    nullable = sql(target, "SELECT spanId FROM mastra_ai_spans ORDER BY rowid LIMIT 1 OFFSET 2")[0][0]
    sql(target, "UPDATE mastra_ai_spans SET name = 'other', updatedAt = NULL WHERE spanId = ?", nullable)
    sql(target, "UPDATE mastra_messages SET content = 'other' WHERE id = 'm2'")
    dry = copy(store, target, "--keep-newer", "--dry-run")
    report = copy(store, target, "--keep-newer")
    for one in (dry, report):
        equal(counts(one, "kept"), {table: 1 for table in changed})
        equal(counts(one, "changed"), {**{table: 1 for table in changed}, "ai_spans": 2, "messages": 1})
    equal(sorted((note["table"], note["what"]) for note in diff(store.url, target)["notes"]),
          sorted(("mastra_" + table, "different") for table in changed))
    equal(run("copy", store.url, target, "--keep-newer")[1].splitlines()[-1].split(", ")[1:],
          ["0 added", "0 changed", "5 newer in TO and kept"])
    # Without it FROM rules.
    equal(counts(copy(store, target), "changed"), {table: 1 for table in changed})
    equal(diff(store.url, target)["equal"], True)


def test_dry_run_makes_nothing(store):
    target = beside(store, "none.db")
    code, out, err = run("copy", store.url, target, "--dry-run")
    equal((code, err), (0, "TO cannot be opened; counting as if it were empty\n"))
    equal(out.splitlines()[-1], "dry run: 4 rows read, 4 added, 0 changed")
    equal(os.path.exists(path(target)), False)


def test_a_slip_makes_no_store(store):
    fails(6, "none.db", "copy", beside(store, "none.db"), beside(store, "to.db"))
    fails(6, "none.db", "diff", store.url, beside(store, "none.db"))
    fails(2, "the same store", "copy", store.url, store.url)
    fails(2, "copy needs an argument", "copy")
    fails(2, "--only knows threads", "copy", store.url, beside(store, "to.db"), "--only", "thread")
    fails(3, "batchSize", "copy", store.url, beside(store, "kept.db"), "--batch", "1001")
    equal([name for name in os.listdir(os.path.dirname(path(store.url))) if name in ("none.db", "to.db")], [])


def test_passwords_are_not_printed(store):
    secret = "postgresql://user:hush@127.0.0.1:1/db?connect_timeout=1"
    for args in (("copy", secret, store.url), ("copy", store.url, secret), ("diff", store.url, secret),
                 ("copy", store.url, store.url, secret), ("copy", secret, secret)):
        code, out, err = run(*args)
        equal((code != 0, out), (True, ""))
        equal("hush" in err, False)


def test_only_and_since(store):
    fill(store, 2)
    target = beside(store, "copy.db")
    report = copy(store, target, "--only", "messages,runs")
    equal(sorted(report["tables"]), ["mastra_messages", "mastra_workflow_snapshot"])
    young = sql(store.url, "SELECT count(*) FROM mastra_resources WHERE max(createdAt, updatedAt) >= '2024-02-01'")[0][0]
    report = copy(store, target, "--only", "resources", "--since", "2024-02-01")
    equal(counts(report, "added"), {"resources": young})
    equal(diff(store.url, target, "--only", "resources", "--since", "2024-02-01")["equal"], True)
    equal(diff(store.url, target, "--only", "resources")["equal"], False)


def test_evals_are_told_apart_by_their_content(store):
    def save(n, times):
        for _ in range(times):
            store.call("saveEval", {"input": f"i{n}", "output": "o", "result": {"score": 1}, "agentName": "a",
                                    "metricName": "m", "instructions": "", "globalRunId": "g", "runId": "r",
                                    "createdAt": "2024-01-01T00:00:00.000Z"})
    target = beside(store, "copy.db")
    save(1, 2)
    equal(counts(copy(store, target, "--only", "evals"), "added"), {"evals": 2})
    save(1, 1)
    save(2, 1)
    equal([note["what"] for note in diff(store.url, target, "--only", "evals")["notes"]], ["missing"] * 2)
    equal([note["what"] for note in diff(target, store.url, "--only", "evals")["notes"]], ["extra"] * 2)
    equal(counts(copy(store, target, "--only", "evals"), "added"), {"evals": 2})
    equal(content(target)["mastra_evals"], content(store.url)["mastra_evals"])


def test_columns_of_someone_else(store):
    target = beside(store, "copy.db")
    copy(store, target)
    for url, columns in ((store.url, ("both TEXT", "mine TEXT", "unlike TEXT")),
                         (target, ("both TEXT", "theirs INTEGER", "unlike INTEGER"))):
        for column in columns:
            sql(url, f"ALTER TABLE mastra_messages ADD COLUMN {column}")
    sql(store.url, "UPDATE mastra_messages SET both = 'b' || id, mine = 'x'")
    report = copy(store, target)
    equal(sorted((note["columns"], note["inFrom"], note["inTo"]) for note in report["notes"]),
          [("mine", True, False), ("theirs", False, True), ("unlike", True, True)])
    equal(counts(report, "changed"), {"messages": 2})
    equal(sql(target, "SELECT both FROM mastra_messages WHERE id = 'm2'"), [("bm2",)])
    code, out, err = run("copy", store.url, target, "--only", "messages")
    equal((code, out.splitlines()[-1]), (0, "2 rows read, 0 added, 0 changed"))
    contains(err, "column        mastra_messages.mine: only in FROM, left out\n",
             "column        mastra_messages.theirs: only in TO\n",
             "column        mastra_messages.unlike: of different types, left out\n")
    sql(store.url, "UPDATE mastra_messages SET both = 'other' WHERE id = 'm2'")
    contains(run("diff", store.url, target)[1], "different     mastra_messages m2: both\n")


def test_an_older_store(store):
    """Without some tables and columns; it stays as it is."""
    sql(store.url, "DROP TABLE mastra_scorers")
    sql(store.url, "DROP INDEX idx_messages_thread_resource_created_at")
    sql(store.url, "ALTER TABLE mastra_messages DROP COLUMN resourceId")
    sql(store.url, "ALTER TABLE mastra_messages DROP COLUMN type")
    before = sql(store.url, "SELECT sql FROM sqlite_master ORDER BY name")
    target = beside(store, "copy.db")
    report = copy(store, target)
    equal(counts(report, "added"), {"threads": 1, "messages": 2, "resources": 1})
    equal(sorted(note["columns"] for note in report["notes"]), ["resourceId", "type"])
    equal(sql(target, "SELECT resourceId, type FROM mastra_messages WHERE id = 'm2'"), [(None, "v2")])
    equal(sql(store.url, "SELECT sql FROM sqlite_master ORDER BY name"), before)


def test_a_row_that_is_refused(store):
    sql(store.url, "UPDATE mastra_messages SET createdAt = 'tomorrow' WHERE id = 'm2'")
    target = beside(store, "copy.db")
    fails(5, "mastra_messages m2: ", "copy", store.url, target)
    code, out, err = run("copy", store.url, target, "--skip-refused")
    equal((code, out.splitlines()[-1]), (1, "4 rows read, 1 added, 0 changed, 1 refused"))
    contains(err, "refused       mastra_messages m2: ")
    equal(len(sql(target, "SELECT id FROM mastra_messages")), 1)


# Broken off, and in use.

def many(store, count, size):
    """Messages by a shorter way than one call for each."""
    connection = sqlite3.connect(path(store.url))
    with connection:
        connection.executemany(
            "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId)"
            " VALUES (?, ?, ?, 'user', 'v2', ?, 'r')",
            ((f"{n * 2654435761 % 2**32:08x}-{n}", f"t{n % 50}", "x" * size, f"2024-01-01T00:00:{n // 1000 % 60:02d}.000Z")
             for n in range(count)))
    connection.close()


def test_killed_and_started_again(store):
    fill(store, 3)
    many(store, 6000, 200)
    target = beside(store, "copy.db")
    draw = random.Random(11)
    seen = [0]
    for _ in range(12):
        # Anything from before the first row to well into the copy.
        process = subprocess.Popen([COMMAND, "copy", store.url, target, "--batch", "50", "--quiet"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if os.path.exists(path(target)) and sql(target, "SELECT 1 FROM sqlite_master WHERE name = 'mastra_evals'"):
            seen.append(sql(target, "SELECT count(*) FROM mastra_messages")[0][0])
            equal(sql(target, "PRAGMA integrity_check"), [("ok",)])
    # No batch is lost, and none is halved.
    equal(seen, sorted(seen))
    report = copy(store, target)
    total = sql(store.url, "SELECT count(*) FROM mastra_messages")[0][0]
    equal(counts(report, "added").get("messages", 0), total - seen[-1])
    equal(counts(report, "changed"), {})
    equal(content(target), content(store.url))


def test_from_is_in_use(store):
    """Writers come and go meanwhile; no row that was there all the time is missing."""
    many(store, 8000, 100)
    target = beside(store, "copy.db")
    writer = subprocess.Popen([COMMAND, "--store", store.url, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process = subprocess.Popen([COMMAND, "copy", store.url, target, "--batch", "40", "--quiet"], stdout=subprocess.PIPE)
    doomed = [row[0] for row in sql(store.url, "SELECT id FROM mastra_messages WHERE content LIKE 'x%' ORDER BY rowid")]
    n = 0
    while process.poll() is None and n < 7000:
        lines = [{"op": "deleteMessages", "args": {"messageIds": doomed[n:n + 20:2]}},
                 {"op": "saveMessages", "args": {"messages": [
                     {"id": doomed[n], "threadId": "t1", "role": "user", "content": "again"},
                     {"id": f"new{n}", "threadId": "t1", "role": "user", "content": "new"}]}}]
        try:
            writer.stdin.write("".join(json.dumps({"id": n, **line}) + "\n" for line in lines).encode())
            writer.stdin.flush()
        except BrokenPipeError:
            break
        n += 20
    equal(process.wait(), 0)
    process.stdout.close()
    writer.stdin.close()
    equal(writer.wait(), 0)
    stayed = set(doomed) - {message for at in range(0, n, 20) for message in doomed[at:at + 20:2]}
    copied = {row[0] for row in sql(target, "SELECT id FROM mastra_messages")}
    equal(stayed - copied, set())
    copy(store, target)
    equal({note["what"] for note in diff(store.url, target)["notes"]} - {"extra"}, set())


def on_a_terminal(width, *args):
    """Runs the command with its stderr on a terminal that wide; returns its stdout and what came to the terminal."""
    control, terminal = pty.openpty()
    shown = []

    def read():
        # At the end of the last writer a terminal is an error.
        try:
            while data := os.read(control, 1 << 16):
                shown.append(data)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        reader.start()
        with subprocess.Popen([COMMAND, *args], stdout=subprocess.PIPE, stderr=terminal) as process:
            out = process.communicate(timeout=300)[0].decode()
    finally:
        os.close(terminal)
        reader.join()
        os.close(control)
    equal(process.returncode, 0)
    return out, b"".join(shown).decode()


def frames_of(shown):
    """The bars, each drawn over the one before; the last one is wiped away."""
    first, *frames, last = shown.split("\r\x1b[K")
    equal((first, last), ("", ""))
    return frames


def test_progress_on_a_terminal(store):
    many(store, 3000, 10)
    out, shown = on_a_terminal(120, "copy", store.url, beside(store, "copy.db"), "--batch", "2")
    equal(out.splitlines()[-1], "3004 rows read, 3004 added, 0 changed")
    done = []
    for frame in frames_of(shown):
        bar, table, count, rest = re.fullmatch(r"\[(#* *)\] (\w+): (\d+) of 3004 rows(.*)", frame).groups()
        equal((len(bar), bar.count("#"), table in content(store.url)), (24, 24 * int(count) // 3004, True))
        # How fast, and how long it may still take.
        if not re.fullmatch(r"(, \d+/s(, \d+ (s|min|h) left)?)?", rest):
            raise AssertionError(frame)
        done.append(int(count))
    equal((len(done) > 1, done), (True, sorted(set(done))))


def test_progress_fits_the_terminal(store):
    """A line that is too long would be wrapped, and then not be drawn over."""
    many(store, 1500, 10)
    for width in (80, 60, 30, 12):
        frames = frames_of(on_a_terminal(width, "copy", store.url, beside(store, f"copy{width}.db"), "--batch", "2")[1])
        equal((len(frames) > 0, [frame for frame in frames if len(frame) >= width]), (True, []))
        # What matters most is left of it.
        equal([frame for frame in frames if width >= 30 and " of 1504 rows" not in frame], [])
        equal([frame for frame in frames if ("[" in frame) != (width >= 60)], [])


def test_progress_elsewhere(store):
    """Nothing that only a terminal understands; nothing at all where nothing is wanted."""
    many(store, 1000, 10)
    sql(store.url, "UPDATE mastra_messages SET createdAt = 'tomorrow' WHERE id = 'm2'")
    args = ("copy", store.url, beside(store, "copy.db"), "--batch", "2", "--skip-refused")
    code, out, err = run(*args)
    equal((code, [line for line in err.splitlines() if not line.startswith("refused ")], "\x1b" in out), (1, [], False))
    sql(store.url, "UPDATE mastra_messages SET createdAt = '2024-01-01T00:00:00.000Z' WHERE id = 'm2'")
    equal(on_a_terminal(80, "copy", store.url, beside(store, "other.db"), "--batch", "2", "--quiet")[1], "")


def peak(*args):
    """The most memory that a command had resident, in KiB."""
    process = subprocess.Popen([COMMAND, *args], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    equal(process.returncode, 0)
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_rows(store):
    large = named(store, "large.db")
    large.output("init")
    many(store, 8000, 1000)
    many(large, 80000, 1000)
    for command in ("copy", "diff"):
        small = peak(command, store.url, beside(store, "copy.db"), "--quiet")
        big = peak(command, large.url, beside(store, "largecopy.db"), "--quiet")
        # Ten times as many rows are 80 MB more; the caches fill up to a limit.
        if big > small + 16384:
            raise AssertionError(f"{command}: {big} KiB with ten times the rows, {small} before")
    equal(diff(large.url, beside(store, "largecopy.db"))["equal"], True)


# diff

def test_diff_names_what_differs(store):
    """Every column of every table: changed in one row, it is told of, and nothing else is."""
    fill(store, 5, 6)
    target = beside(store, "copy.db")
    copy(store, target)
    draw = random.Random(13)
    for table in ("mastra_" + table for table in TABLES if table != "evals"):
        key = KEYS.get(table, "id")
        for _, column, declared, _, _, _ in sql(store.url, f"PRAGMA table_info({table})"):
            row, name, old = draw.choice(sql(target, f"SELECT rowid, {key}, \"{column}\" FROM {table}"))
            new = {"TEXT": "changed", "JSONB": '"changed"'}.get(declared, 7 if old != 7 else 8)
            if column.endswith("At") or column.endswith("_at"):
                new = "2001-01-01T00:00:00.001Z"
            if column == "isEvent":
                new = 1 - old
            sql(target, f"UPDATE {table} SET \"{column}\" = ? WHERE rowid = ?", new, row)
            notes = diff(store.url, target)["notes"]
            changed = sql(target, f"SELECT {key} FROM {table} WHERE rowid = ?", row)[0][0]
            if changed == name:
                equal(notes, [{"what": "different", "table": table, "key": name, "columns": column}])
            else:
                equal(notes, [{"what": "missing", "table": table, "key": name},
                              {"what": "extra", "table": table, "key": changed}])
            sql(target, f"UPDATE {table} SET \"{column}\" = ? WHERE rowid = ?", old, row)
    equal(diff(store.url, target)["equal"], True)


def test_diff_prints_lines(store):
    target = beside(store, "copy.db")
    copy(store, target)
    sql(target, "UPDATE mastra_threads SET title = 'Other', metadata = '{}'")
    sql(target, "DELETE FROM mastra_messages WHERE id = 'm2'")
    run("--store", target, "call", "saveResource", '{"resource":{"id":"a\\nb"}}')
    code, out, err = run("diff", store.url, target)
    equal((code, err), (1, ""))
    equal(out.splitlines()[:3], ["different     mastra_threads t1: title, metadata", "only in FROM  mastra_messages m2",
                                 "only in TO    mastra_resources a b"])
    contains(out, "mastra_messages            2     1   1\n", "\n3 rows and 0 columns differ\n")


main(globals())
