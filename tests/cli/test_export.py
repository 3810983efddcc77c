#!/usr/bin/env python3
"""Tests of the commands export and import: test_export.py PATH/TO/mastra-store"""

import json
import os
import sqlite3

from stores import content, fill, named, sql
from support import contains, equal, fails, main, run


def lines_of(store, *args):
    code, out, err = store.run("export", *args)
    equal((code, err), (0, ""))
    return out.split("\n")[:-1]


def take(target, text, *args):
    code, out, err = target.run("import", "--json", *args, stdin=text)
    equal((code, err), (0, ""))
    result = json.loads(out)
    return result["read"], result["added"], result["changed"]


def test_lines(store):
    lines = [json.loads(line) for line in lines_of(store)]
    equal([line["table"] for line in lines],
          ["mastra_threads", "mastra_messages", "mastra_messages", "mastra_resources"])
    equal(list(lines[0]["record"]), ["id", "resourceId", "title", "metadata", "createdAt", "updatedAt"])
    message = lines[2]["record"]
    equal(json.loads(message.pop("content")), json.loads(sql(store.url, "SELECT content FROM mastra_messages"
                                                                        " WHERE id = 'm2'")[0][0]))
    equal(message, {"id": "m2", "thread_id": "t1", "role": "assistant", "type": "v2", "resourceId": "r1",
                    "createdAt": "2024-01-01T00:00:02.000Z"})
    equal(len(lines_of(store, "--only", "messages")), 2)
    equal(len(lines_of(store, "--only", "messages", "--since", "2024-01-01T00:00:02Z")), 1)


def test_there_and_back(store):
    for seed in range(3):
        other, target = named(store, f"from{seed}.db"), named(store, f"to{seed}.db")
        fill(other, seed)
        # What only someone else writes.
        sql(other.url, "UPDATE mastra_threads SET metadata = '{\"a\":\n [1,\r\n2.50]}' WHERE id = 't1'")
        sql(other.url, "UPDATE mastra_threads SET metadata = '{\"a\":' WHERE id = 't2'")
        sql(other.url, "UPDATE mastra_evals SET createdAt = '2024-05-05T00:00:00.000Z'")
        sql(other.url, "UPDATE mastra_messages SET content = 'a' || char(10) || char(0) || 'b' WHERE rowid = 1")
        text = "\n".join(lines_of(other))
        count = text.count("\n") + 1
        equal(target.run("import", "--dry-run", stdin=text)[0], 6)
        sqlite3.connect(target.url[5:]).execute("PRAGMA user_version = 1")
        equal(take(target, text, "--dry-run"), (count, count, 0))
        equal(content(target.url), {})
        equal(take(target, text), (count, count, 0))
        sql(other.url, "UPDATE mastra_threads SET metadata = '{\"a\":  [1,  2.50]}' WHERE id = 't1'")
        equal(content(target.url), content(other.url))
        equal(take(target, text), (count, 0, 0))
        equal(content(target.url), content(other.url))


def test_from_a_file(store):
    path = os.path.join(os.path.dirname(store.url[5:]), "lines.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join(lines_of(store)) + "\n  \n")
    target = named(store, "to.db")
    equal(target.output("import", path), "4 rows read, 4 added, 0 changed\n")
    equal(target.output("import", path, "--batch", "1"), "4 rows read, 0 added, 0 changed\n")
    equal(content(target.url), content(store.url))
    target.fails(3, "cannot read /no/such/file", "import", "/no/such/file")
    target.fails(3, "--batch must be", "import", path, "--batch", "0")
    fails(6, "none.db", "--store", named(store, "none.db").url, "export")


def test_what_is_newer_may_be_kept(store):
    text = "\n".join(lines_of(store))
    sql(store.url, "UPDATE mastra_threads SET title = 'later', updatedAt = '2999-01-01T00:00:00.000Z'")
    sql(store.url, "UPDATE mastra_resources SET workingMemory = 'earlier', updatedAt = '1999-01-01T00:00:00.000Z'")
    sql(store.url, "UPDATE mastra_messages SET role = 'system' WHERE id = 'm2'")
    for args in ("--dry-run",), ():
        equal(store.output("import", "--keep-newer", *args, stdin=text).split("rows read, ")[1],
              "0 added, 2 changed, 1 newer in the store and kept\n")
    report = json.loads(store.output("import", "--keep-newer", "--json", stdin=text))
    equal(report, {"dryRun": False, "read": 4, "added": 0, "changed": 0, "kept": 1})
    equal(sql(store.url, "SELECT title FROM mastra_threads"), [("later",)])
    equal(store.output("import", stdin=text), "4 rows read, 0 added, 1 changed\n")
    equal(sql(store.url, "SELECT title FROM mastra_threads"), [("First",)])


def test_what_does_not_say_when_it_was_updated_is_taken(store):
    store.call("createSpan", {"span": {"traceId": "x", "spanId": "s", "name": "n", "spanType": "agent_run", "isEvent": False,
                                       "startedAt": 1}})
    sql(store.url, "UPDATE mastra_ai_spans SET updatedAt = '2024-01-01T00:00:00.000Z'")
    text = store.output("export", "--only", "spans")
    dated = json.loads(text)["record"]
    undated = {name: value for name, value in dated.items() if name != "updatedAt"}
    equal(dated, {**undated, "updatedAt": "2024-01-01T00:00:00.000Z"})
    for record, counts, name in ((dated, "0 changed, 1 newer in the store and kept\n", "later"),
                                 (undated, "1 changed, 0 newer in the store and kept\n", "n"),
                                 ({**undated, "updatedAt": None}, "1 changed, 0 newer in the store and kept\n", "n")):
        sql(store.url, "UPDATE mastra_ai_spans SET name = 'later', updatedAt = '2999-01-01T00:00:00.000Z'")
        equal(store.output("import", "--keep-newer", stdin=line("mastra_ai_spans", **record)),
              "1 rows read, 0 added, " + counts)
        equal(sql(store.url, "SELECT name FROM mastra_ai_spans"), [(name,)])


def line(table, **record):
    return json.dumps({"table": table, "record": record}) + "\n"


THREAD = {"resourceId": "r", "title": "", "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": 1704067200000}


def test_wrong_lines(store):
    """Each is named by its number, and nothing of its batch is written."""
    good = line("mastra_threads", id="n1", **THREAD) + "\n" + line("mastra_threads", id="n2", **THREAD)
    before = content(store.url)
    for bad, message in (("{\n", "line 4: is not valid JSON"), ("[]", "line 4: is no JSON object"),
                         ('{"table":"threads","record":{}}', "line 4: table must name a table of the store, got \"threads\" ["),
                         ("{}", "line 4: table must name a table"),
                         ('{"table":"mastra_threads"}', "line 4: record must be an object"),
                         (line("mastra_threads", id="n3", wrong=1), "line 4: record has a member that is no column, got \"wrong\""),
                         (line("mastra_threads", **THREAD), "line 4: record.id is required"),
                         (line("mastra_threads", id=5, **THREAD), "line 4: record.id must be a string, got \"5\""),
                         (line("mastra_threads", **{**THREAD, "id": "n", "createdAt": "never"}),
                          "line 4: record.createdAt must be an ISO 8601 time"),
                         (line("mastra_threads", **{**THREAD, "id": "n", "createdAt": None}),
                          "line 4: record.createdAt is required")):
        code, out, err = store.run("import", "-", stdin=good + bad)
        equal((code, out), (3, ""))
        contains(err, message)
        equal(content(store.url), before)
    # Batches before it stay.
    code, _, err = store.run("import", "--batch", "1", stdin=good + "{")
    equal(code, 3)
    equal(store.json("threads")["total"], 3)


def test_records_with_some_columns(store):
    """Those that a record does not have stay as they are."""
    text = line("mastra_messages", id="m2", thread_id="t1", content="new", role="user", createdAt=0)
    equal(take(store, text), (1, 0, 1))
    equal(sql(store.url, "SELECT content, role, type, createdAt, resourceId FROM mastra_messages WHERE id = 'm2'"),
          [("new", "user", "v2", "1970-01-01T00:00:00.000Z", "r1")])
    text = line("mastra_messages", id="m3", thread_id="t1", content="new", role="user", createdAt=0)
    equal(take(store, text), (1, 1, 0))
    equal(sql(store.url, "SELECT type, resourceId FROM mastra_messages WHERE id = 'm3'"), [("v2", None)])


def test_output_that_does_not_arrive(store):
    code = os.system(f"'{run.__globals__['COMMAND']}' --store '{store.url}' export --quiet > /dev/full 2> /dev/null")
    equal(os.waitstatus_to_exitcode(code), 9)


main(globals())
