#!/usr/bin/env python3
"""Tests of the commands stats and backup: test_stats.py PATH/TO/mastra-store"""

import os
import random
import stat
import subprocess

from stores import beside, content, fill, named, path, sql
from support import COMMAND, contains, equal, fails, golden, main, run

DAY = 86400000


# stats

def test_stats(store):
    sql(store.url, "UPDATE mastra_threads SET createdAt = '2024-01-01T00:00:00.000Z', updatedAt = createdAt")
    sql(store.url, "UPDATE mastra_resources SET createdAt = '2024-01-01T00:00:00.000Z', updatedAt = createdAt")
    store.call("persistWorkflowSnapshot", {"workflowName": "w", "runId": "run1", "snapshot": {"a": "x" * 3000}, "createdAt": 1})
    text = store.output("stats")
    last = text.splitlines()[-1]
    golden("stats", text.replace(last, last.split(";")[0]))
    contains(last, "; the database takes ")


def test_stats_as_json(store):
    for thread, count in (("t2", 5), ("t3", 3), ("t4", 5)):
        store.call("saveThread", {"thread": {"id": thread, "resourceId": "r"}})
        store.call("saveMessages", {"messages": [
            {"id": f"{thread}-{n}", "threadId": thread, "role": "user", "content": "x" * 100} for n in range(count)]})
    for n in range(14):
        store.call("persistWorkflowSnapshot", {"workflowName": "w", "runId": f"run{n}", "snapshot": {"a": "x" * (n * 5 % 14 * 100)}})
    result = store.json("stats")
    tables = {table["table"]: table for table in result["tables"]}
    equal({name[7:]: table["rows"] for name, table in tables.items() if table["rows"]},
          {"threads": 4, "messages": 15, "resources": 1, "workflow_snapshot": 14})
    equal(tables["mastra_messages"]["oldest"], 1704067201000)
    equal(tables["mastra_scorers"]["oldest"], None)
    equal((result["rows"], result["bytes"]), (34, sum(table["bytes"] for table in tables.values())))
    largest = [(large["key"], large["rows"]) for large in result["largest"] if large["table"] == "mastra_threads"]
    equal(largest, [("t2", 5), ("t4", 5), ("t3", 3), ("t1", 2)])
    equal([large["key"] for large in result["largest"] if large["table"] == "mastra_workflow_snapshot"],
          [f"w run{n}" for n in sorted(range(14), key=lambda n: -(n * 5 % 14))[:10]])
    # Days are those of now: the messages of 2024 are in none of them.
    days = {}
    for day in result["days"]:
        equal(day["day"] % DAY, 0)
        days[day["table"]] = days.get(day["table"], 0) + day["rows"]
    equal(days, {"mastra_threads": 4, "mastra_messages": 13, "mastra_resources": 1, "mastra_workflow_snapshot": 14})
    thread = next(large for large in result["largest"] if large["key"] == "t2")
    equal(thread["bytes"] >= 500, True)
    fails(6, "none.db", "--store", beside(store, "none.db"), "stats")


# backup

def test_backup(store):
    fill(store, 4)
    target = beside(store, "backup.db")
    equal(store.output("backup", path(target)), f"written: {path(target)}\n")
    equal(content(target), content(store.url))
    equal(sql(target, "PRAGMA integrity_check"), [("ok",)])
    equal(stat.S_IMODE(os.stat(path(target)).st_mode), 0o600)
    equal(run("diff", store.url, target)[0], 0)
    # Nothing is overwritten, least of all the store.
    store.fails(5, "is there already", "backup", path(target))
    store.fails(5, "is there already", "backup", path(store.url))
    store.fails(6, "/no/such/folder", "backup", "/no/such/folder/backup.db")
    fails(6, "none.db", "--store", beside(store, "none.db"), "backup", path(beside(store, "other.db")))
    equal(sorted(name for name in os.listdir(os.path.dirname(path(target))) if "part" in name or "other" in name), [])


def test_backup_of_memory(store):
    target = beside(store, "backup.db")
    equal(run("--store", ":memory:", "backup", path(target))[0], 0)
    equal(os.path.exists(path(target)), True)


def test_backup_while_it_is_in_use(store):
    """It is of one moment: of pairs of messages that are saved together, it has both or none."""
    draw = random.Random(3)
    sql(store.url, "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 20000)"
                   " INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt)"
                   " SELECT 'b' || n, 't1', hex(randomblob(300)), 'user', 'v2', '2024-01-01T00:00:00.000Z' FROM c")
    writer = subprocess.Popen([COMMAND, "--store", store.url, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    saved = 0
    for k in range(4):
        process = subprocess.Popen([COMMAND, "--store", store.url, "backup", path(beside(store, f"b{k}.db")), "--quiet"],
                                   stdout=subprocess.DEVNULL)
        began = saved
        while True:
            pair = ",".join('{"id":"%s%d","threadId":"t","role":"user","content":"%s"}' % (side, saved, "x" * draw.randrange(3000))
                            for side in "lr")
            writer.stdin.write(b'{"id":1,"op":"saveMessages","args":{"messages":[%s]}}\n' % pair.encode())
            writer.stdin.flush()
            contains(writer.stdout.readline().decode(), '"ok":true')
            saved += 1
            if process.poll() is not None:
                break
        equal(process.wait(), 0)
        copy = beside(store, f"b{k}.db")
        equal(sql(copy, "PRAGMA integrity_check"), [("ok",)])
        left = {row[0][1:] for row in sql(copy, "SELECT id FROM mastra_messages WHERE id GLOB 'l*'")}
        equal({row[0][1:] for row in sql(copy, "SELECT id FROM mastra_messages WHERE id GLOB 'r*'")}, left)
        equal(left, {str(n) for n in range(len(left))})
        equal(began <= len(left) <= saved, True)
    writer.stdin.close()
    writer.stdout.close()
    equal(writer.wait(), 0)


main(globals())
