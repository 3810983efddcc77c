#!/usr/bin/env python3
"""Tests of the commands that look after tables: test_upkeep.py PATH/TO/mastra-store"""

from support import Fixture, contains, equal, main, run

UNIQUE = "mastra_ai_spans_spanid_traceid_idx"


# indexes, index

def test_indexes(store: Fixture):
    rows = {line.split("  ")[0]: line for line in store.lines("indexes", "--wide")}
    contains(rows[UNIQUE], "  mastra_ai_spans  ", "  spanId, traceId  ", "  yes  ")
    contains(rows["idx_messages_thread_created_at"], "  mastra_messages  ", "  thread_id, createdAt  ", "  no  ")
    listed = store.json("indexes")
    equal([index["name"] for index in listed], list(rows)[1:-1])
    equal(list(rows)[-1], f"{len(listed)} indexes")
    names = [line.split()[0] for line in store.lines("indexes", "mastra_ai_spans", "--wide")[1:-1]]
    equal([index["name"] for index in store.json("indexes", "mastra_ai_spans")], names)
    equal(UNIQUE in names, True)
    equal("idx_messages_thread_created_at" in names, False)
    store.call("createTable", {"tableName": "bare", "schema": {"id": {"type": "text"}}})
    equal(store.output("indexes", "bare"), "no indexes\n")


def test_index(store: Fixture):
    lines = store.lines("index", UNIQUE)
    equal(lines[:4], [f"Index {UNIQUE}", "  table       mastra_ai_spans", "  columns     spanId, traceId",
                      "  unique      yes"])
    contains("\n".join(lines[4:]), "  method      btree", "  definition  CREATE UNIQUE INDEX")
    equal(store.json("index", UNIQUE)["columns"], ["spanId", "traceId"])
    store.fails(4, "gone", "index", "gone")
    store.fails(4, "gone", "index", "gone", "--json")
    store.fails(2, "index needs an argument", "index")


# prune

def fill(store):
    for year in (2020, 2022, 2024):
        time = f"{year}-06-01T00:00:00.000Z"
        store.call("saveThread", {"thread": {"id": f"t{year}", "resourceId": "r", "createdAt": time, "updatedAt": time}})
        store.call("persistWorkflowSnapshot", {"workflowName": "w", "runId": f"r{year}", "snapshot": {"context": {}},
                                               "createdAt": time, "updatedAt": time})
        store.call("batchCreateSpans", {"records": [
            {"traceId": f"x{year}", "spanId": f"s{n}", "name": "n", "spanType": "agent_run", "isEvent": False,
             "startedAt": time} for n in range(3)]})


def deleted(store, *args):
    lines = store.lines("prune", *args)
    equal(lines[0].split(), ["WHAT", "DELETED"])
    return dict(line.split() for line in lines[1:])


def test_prune(store):
    fill(store)
    equal(deleted(store, "--older-than", "2019-01-01"),
          dict.fromkeys(("threads", "messages", "resources", "runs", "spans", "scores", "evals", "traces"), "0"))
    equal(deleted(store, "--older-than", "2021-01-01", "--only", "spans"), {"spans": "3"})
    equal(deleted(store, "--older-than", "2021-01-01T00:00Z", "--only=runs,threads", "--batch", "10"),
          {"threads": "1", "messages": "0", "runs": "1"})
    equal(sorted(thread["id"] for thread in store.json("threads")["threads"]), ["t1", "t2022", "t2024"])
    # The thread t1 is younger than its messages.
    result = store.json("prune", "--older-than=2025-01-01", "--only", "threads,ai_spans,workflow_snapshot")
    equal(result["deleted"], {"mastra_threads": 2, "mastra_messages": 0, "mastra_workflow_snapshot": 2,
                              "mastra_ai_spans": 6})
    equal(deleted(store, "--older-than", "52w", "--only", "messages"), {"messages": "2"})
    equal(store.json("messages", "t1")["total"], 0)
    equal(store.json("threads")["total"], 1)


def test_prune_is_asked_for_clearly(store):
    fill(store)
    store.fails(2, "prune needs --older-than", "prune")
    store.fails(2, "--older-than must be a time", "prune", "--older-than", "yesterday")
    store.fails(2, "--older-than must not lie in the future", "prune", "--older-than", "2999-01-01")
    store.fails(2, '--only knows threads, messages', "prune", "--older-than", "1d", "--only", "thread")
    for only in ("", "threads,", ",threads", "threads,,runs", "threads runs"):
        store.fails(2, "--only knows", "prune", "--older-than", "1d", "--only", only)
    store.fails(2, "--batch must be a whole number", "prune", "--older-than", "1d", "--batch", "many")
    store.fails(3, "batch", "prune", "--older-than", "1d", "--batch", "100001")
    store.fails(3, "batch", "prune", "--older-than", "1d", "--batch", "0")
    store.fails(3, "batch", "prune", "--older-than", "1d", "--batch", "0", "--json")
    equal(store.json("threads")["total"], 4)
    equal(run("--store", "file:/no/such/folder/a.db", "prune", "--older-than", "1d")[0], 6)


main(globals())
