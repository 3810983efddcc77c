#!/usr/bin/env python3
"""Tests of the command on PostgreSQL: test_postgres.py PATH/TO/mastra-store"""

import json
import os
import subprocess
import time

from postgres import Postgres, server
from support import COMMAND, contains, equal, fails, main, run


def test_streams_that_are_closed(store: Postgres):
    """The connection does not take their places: nothing is printed into it, and no line read from it."""
    store.call("saveMessages", {"messages": [{"id": f"c{n}", "threadId": "t1", "role": "user", "content": "long " * 1000}
                                             for n in range(40)]})
    for words, code, message in (("export >&-", 1, "cannot write the output: Bad file descriptor"),
                                 ("import <&-", 3, "cannot read standard input: Bad file descriptor")):
        done = subprocess.run(f"'{COMMAND}' {words}", shell=True, capture_output=True, timeout=60, check=False,
                              env={**os.environ, "MASTRA_STORE_URL": store.url})
        equal((done.returncode, done.stdout, done.stderr.decode()), (code, b"", f"mastra-store: {message} [" + (
            "internal]\n" if code == 1 else "invalid_argument]\n")))


def test_every_listing(store: Postgres):
    store.output("init")
    equal([thread["id"] for thread in store.json("threads")["threads"]], ["t1"])
    equal([message["id"] for message in store.json("messages", "t1")["messages"]][1:], ["m2"])
    contains(store.output("messages", "t1"), "plain text", "part two")
    contains(store.output("resources"), "likes tea")
    store.call("persistWorkflowSnapshot", {"workflowName": "w", "runId": "r1", "snapshot": {"status": "failed"}})
    equal([found["runId"] for found in store.json("runs", "--status", "failed")["runs"]], ["r1"])
    contains(store.output("run", "r1"), "failed")
    store.call("createSpan", {"traceId": "tr", "spanId": "s", "name": "answering", "spanType": "agent_run",
                              "isEvent": False, "startedAt": 1000, "endedAt": 2000})
    contains(store.output("traces"), "answering")
    contains(store.output("trace", "tr"), "answering")
    store.call("saveScore", {"scorerId": "tone", "runId": "r1", "entityId": "e", "score": 0.5, "scorer": {},
                             "entity": {}, "source": "LIVE", "output": "x"})
    contains(store.output("scores"), "tone")
    equal(store.output("evals").strip(), "no evals")


def test_locks(store: Postgres):
    with subprocess.Popen([COMMAND, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "MASTRA_STORE_URL": store.url}) as holder:
        holder.stdin.write('{"id":1,"op":"tryAcquireWorkflowRunLock","args":{"workflowName":"w","runId":"r"}}\n')
        holder.stdin.flush()
        equal(json.loads(holder.stdout.readline())["result"], True)
        contains(store.output("locks"), "w", "r")
        equal(store.call("tryAcquireWorkflowRunLock", {"workflowName": "w", "runId": "r"}), False)
        holder.stdin.close()
        equal(holder.wait(), 0)


def test_indexes(store: Postgres):
    store.call("createIndex", {"name": "titles", "table": "mastra_threads", "columns": ["title", "createdAt DESC"],
                               "concurrent": False})
    contains(store.output("indexes", "mastra_threads"), "titles", "resourceId, createdAt")
    contains(store.output("index", "titles"), "btree", "title")
    store.call("dropIndex", "titles")
    store.fails(4, 'Index "titles" not found', "index", "titles")


def test_pipe_and_prune(store: Postgres):
    answers = store.pipe('{"id":1,"op":"getThreadById","args":{"threadId":"t1"}}\n',
                         '{"id":2,"op":"saveMessages","args":{"messages":[{"id":"x","threadId":"none","role":"user",'
                         '"resourceId":"r","content":"x"}]}}\n')
    equal(answers[0]["result"]["title"], "First")
    error = answers[1]["error"]
    equal((error["id"], error["message"]), ("MASTRA_STORAGE_PG_SAVE_MESSAGES_FAILED", "Thread none not found"))
    contains(store.output("prune", "--older-than", "2024-06-01", "--only", "messages"), "messages  2")
    equal(store.json("messages", "t1")["total"], 0)
    equal(store.json("threads")["total"], 1)


def test_errors_name_no_secret(store: Postgres):
    secret = server()["MASTRA_TEST_POSTGRES_PASSWORD"]
    right = server()["MASTRA_TEST_POSTGRES"]
    begin, end = right.split("@", 1)
    wrong = begin.rsplit(":", 1)[0] + ":friend%20and%20foe@" + end
    for url, code in ((wrong, 8), (begin + "@/mastra?host=/nowhere", 6), (right + "&port=none", 3)):
        got, out, err = run("threads", env={"MASTRA_STORE_URL": url})
        equal((got, out), (code, ""))
        for text in (secret, "friend", begin.rsplit(":", 1)[1]):
            if text in err:
                raise AssertionError(err)
    fails(8, "schema", "init", env={"MASTRA_STORE_URL": server()["MASTRA_TEST_POSTGRES_PLAIN"] + "&schema=not_theirs"})


def test_a_url_on_the_command_line_is_out_of_sight(store: Postgres):
    with subprocess.Popen([COMMAND, "--store", store.url, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as child:
        child.stdin.write('{"id":1,"op":"getThreadById","args":{"threadId":"t1"}}\n')
        child.stdin.flush()
        equal(json.loads(child.stdout.readline())["result"]["id"], "t1")
        with open(f"/proc/{child.pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        equal(words[3], b"pipe")
        equal(set(words[2][len(b"postgresql://"):]), {ord("x")})
        child.stdin.close()
        equal(child.wait(), 0)


def test_a_killed_holder_frees_its_lock(store: Postgres):
    """Its lease runs out, as nobody is left to renew it."""
    with subprocess.Popen([COMMAND, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "MASTRA_STORE_URL": store.url}) as holder:
        holder.stdin.write('{"id":1,"op":"tryAcquireWorkflowRunLock","args":{"workflowName":"w","runId":"r",'
                           '"ttlMs":3000,"keepAlive":true}}\n')
        holder.stdin.flush()
        equal(json.loads(holder.stdout.readline())["result"], True)
        holder.kill()
    for _ in range(600):
        if store.call("tryAcquireWorkflowRunLock", {"workflowName": "w", "runId": "r"}):
            return
        time.sleep(0.1)
    raise AssertionError("the lock is never free")


main(globals())
