#!/usr/bin/env python3
"""Tests of the command check: test_check.py PATH/TO/mastra-store"""

import json
import os
import sqlite3

from support import Fixture, contains, equal, fails, main


def sql(store, *statements):
    connection = sqlite3.connect(store.url[len("file:"):])
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def check(store, *args):
    code, out, err = store.run("check", "--json", *args)
    equal(err, "")
    result = json.loads(out)
    return code, [tuple(problem.get(member) for member in ("kind", "table", "key", "what")) for problem in
                  result["problems"]], result["repaired"]


def test_nothing_is_wrong(store):
    code, out, err = store.run("check")
    equal((code, out, err), (0, "4 rows, 0 problems\n", ""))
    equal(check(store), (0, [], 0))
    fails(6, "gone.db", "--store", "file:" + os.path.join(os.path.dirname(store.url[5:]), "gone.db"), "check")
    fails(2, "no store", "check")


def test_fixture(store: Fixture):
    """What Mastra's adapter has written lacks what only we have, and nothing else."""
    code, problems, _ = check(store)
    equal(code, 1)
    equal({problem[0] for problem in problems} <= {"table", "index"}, True)
    equal(check(store, "--repair")[0], 0)
    equal(check(store), (0, [], 0))


def test_missing_parts(store):
    sql(store, "DROP TABLE mastra_scorers", "DROP INDEX idx_messages_thread_created_at",
        "DROP INDEX idx_messages_thread_resource_created_at", "ALTER TABLE mastra_messages DROP COLUMN resourceId")
    want = [("column", "mastra_messages", None, "resourceId"),
            ("index", "mastra_messages", None, "idx_messages_thread_created_at"),
            ("index", "mastra_messages", None, "idx_messages_thread_resource_created_at"),
            ("table", "mastra_scorers", None, "mastra_scorers")]
    equal(check(store), (1, want, 0))
    equal(store.run("check")[:2], (1, "missing column: mastra_messages.resourceId\n"
                                      "missing index on mastra_messages: idx_messages_thread_created_at\n"
                                      "missing index on mastra_messages: idx_messages_thread_resource_created_at\n"
                                      "missing table: mastra_scorers\n4 rows, 4 problems\n"))
    code, out, _ = store.run("check", "--repair")
    equal(code, 0)
    contains(out, "missing table: mastra_scorers (repaired)\n", "4 rows, 4 problems, 4 repaired\n")
    equal(check(store), (0, [], 0))


def test_orphans(store):
    for n in range(12):
        store.call("saveMessages", {"messages": [{"id": f"o{n:02d}", "threadId": "gone", "role": "user", "content": "c"}]})
    code, problems, _ = check(store)
    equal((code, problems), (1, [("orphan", "mastra_messages", f"o{n:02d}", "gone") for n in range(12)]))
    lines = store.run("check")[1].splitlines()
    equal(lines[0], "mastra_messages o00: there is no thread gone")
    equal(lines[10:], ["... and more of these; --wide prints all", "16 rows, 12 problems"])
    equal(len(store.run("check", "--wide")[1].splitlines()), 13)
    # Only when it is asked for.
    equal(check(store, "--repair")[::2], (1, 0))
    equal(check(store, "--delete-orphans")[::2], (0, 12))
    equal(check(store), (0, [], 0))
    equal(store.json("messages", "t1")["total"], 2)


def test_spans(store):
    for trace, span, parent in (("x1", "root", None), ("x1", "a", "root"), ("x2", "b", "lost")):
        store.call("createSpan", {"span": {"traceId": trace, "spanId": span, "parentSpanId": parent, "name": "n",
                                           "spanType": "agent_run", "isEvent": False, "startedAt": 1}})
    equal(check(store), (1, [("no_root", "mastra_ai_spans", "x2 b", "x2")], 0))


def without_key(store):
    """The table of spans as a file of an older Mastra may have it."""
    connection = sqlite3.connect(store.url[len("file:"):])
    text = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'mastra_ai_spans'").fetchone()[0]
    start = text.index(",\n  UNIQUE")
    with connection:
        connection.executescript(text[:start].replace("mastra_ai_spans", "other") + ");"
                                 "INSERT INTO other SELECT * FROM mastra_ai_spans;"
                                 "DROP TABLE mastra_ai_spans; ALTER TABLE other RENAME TO mastra_ai_spans;")
    connection.close()


def span(store, trace, name="n", **more):
    return store.run("call", "createSpan", json.dumps({"span": {
        "traceId": trace, "spanId": "s", "name": name, "spanType": "agent_run", "isEvent": False, "startedAt": 1, **more}}))


def test_duplicates(store):
    for trace in ("x1", "x2", "x3", "x4"):
        equal(span(store, trace)[0], 0)
    without_key(store)
    sql(store, "ALTER TABLE mastra_ai_spans ADD COLUMN mine TEXT")
    # Of each trace the row whose name says so is the best: it has ended; it was updated last; it was made last.
    again = ("INSERT INTO mastra_ai_spans (traceId, spanId, name, spanType, isEvent, startedAt, endedAt, updatedAt, createdAt,"
             " mine) VALUES (?, 's', ?, 'agent_run', 0, '2020-01-01T00:00:00.000Z', ?, ?, ?, 'kept')")
    connection = sqlite3.connect(store.url[len("file:"):])
    with connection:
        connection.execute("UPDATE mastra_ai_spans SET endedAt = NULL, updatedAt = '2024-01-01T00:00:00.000Z',"
                           " createdAt = '2024-01-01T00:00:00.000Z'")
        for row in (("x1", "best", "2020-01-02T00:00:00.000Z", None, "2020-01-01T00:00:00.000Z"),
                    ("x1", "other", None, "2025-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"),
                    ("x2", "best", None, "2024-01-01T00:00:00.001Z", "2020-01-01T00:00:00.000Z"),
                    ("x2", "other", None, None, "2025-01-01T00:00:00.000Z"),
                    ("x3", "best", None, "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.001Z")):
            connection.execute(again, row)
    connection.close()
    index = ("index", "mastra_ai_spans", None, "mastra_ai_spans_spanid_traceid_idx")
    keys = ["x1 s", "x1 s", "x2 s", "x2 s", "x3 s"]
    code, problems, repaired = check(store)
    equal((code, sorted(p[2] for p in problems if p[0] == "duplicate"), repaired), (1, keys, 0))
    contains(problems, index)
    equal(span(store, "x5")[0] == 0, False)
    code, problems, repaired = check(store, "--repair")
    equal((code, sorted(p[2] for p in problems if p[0] == "duplicate"), repaired), (0, keys, 6))
    contains(problems, index)
    equal(check(store), (0, [], 0))
    rows = sqlite3.connect(store.url[len("file:"):]).execute(
        "SELECT traceId, name, mine FROM mastra_ai_spans ORDER BY traceId").fetchall()
    equal(rows, [("x1", "best", "kept"), ("x2", "best", "kept"), ("x3", "best", "kept"), ("x4", "n", None)])
    equal(span(store, "x5")[0], 0)


def test_a_table_without_its_key(store):
    """When no rows are in the way the key is made, and nothing is deleted."""
    equal(span(store, "x1")[0], 0)
    without_key(store)
    code, problems, repaired = check(store, "--repair")
    equal((code, repaired, {problem[0] for problem in problems}), (0, len(problems), {"index"}))
    equal(check(store), (0, [], 0))
    equal(store.json("check")["rows"], 5)


def test_unreadable_values(store):
    sql(store, "UPDATE mastra_threads SET metadata = '{\"a\":', updatedAt = 'yesterday'",
        "UPDATE mastra_messages SET createdAt = '2024-13-01' WHERE id = 'm2'")
    equal(check(store), (1, [("json", "mastra_threads", "t1", "metadata"), ("time", "mastra_threads", "t1", "updatedAt"),
                             ("time", "mastra_messages", "m2", "createdAt")], 0))


def test_damage(store):
    """An index that says something else than its table."""
    sql(store, "PRAGMA writable_schema = on",
        "UPDATE sqlite_schema SET sql = replace(sql, '(\"thread_id\", \"createdAt\")', '(\"role\", \"createdAt\")')"
        " WHERE name = 'idx_messages_thread_created_at'")
    code, problems, _ = check(store)
    equal((code, {problem[0] for problem in problems}), (7, {"damage"}))


main(globals())
