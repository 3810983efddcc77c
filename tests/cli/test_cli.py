#!/usr/bin/env python3
"""Tests of the mastra-store command, as TAP: test_cli.py PATH/TO/mastra-store"""

import json
import os
import pty
import subprocess
import tempfile
import unicodedata

from support import COMMAND, UUID, columns, contains, equal, fails, main, run


# Help and usage.

def test_help(store):
    code, out, err = run("--help")
    equal((code, err), (0, ""))
    contains(out, "Usage: mastra-store", "--store URL", "MASTRA_STORE_URL")
    for name in ("init", "threads", "messages", "resources", "runs", "run", "locks", "traces", "trace", "scores", "evals",
                 "indexes", "index", "prune", "copy", "diff", "export", "import", "check", "stats", "backup", "call",
                 "pipe", "ops", "completion", "demo"):
        contains(out, f"\n  {name} ")
        code, help_text, err = run(name, "--help")
        equal((code, err), (0, ""))
        storeless = name in ("ops", "copy", "diff", "completion")
        contains(help_text, f"mastra-store {name}" if storeless else f"mastra-store [--store URL] {name}")
    contains(run("call", "saveMessages", "-h")[1], "messages[].threadId")


def test_version(store):
    code, out, _ = run("--version")
    equal(code, 0)
    contains(out, "mastra-store ", "SQLite ")


def test_wrong_usage(store):
    fails(2, "no command")
    fails(2, 'unknown command "bogus"', "bogus")
    fails(2, "unknown option --bogus", "--bogus", "threads")
    fails(2, "--store needs a value", "threads", "--store")
    fails(2, "--json takes no value", "ops", "--json=1")
    fails(2, "no store", "threads")
    fails(2, "no store", "threads", env={"MASTRA_STORE_URL": ""})
    fails(2, "messages needs an argument", "--store", store.url, "messages")
    fails(2, 'unexpected argument "b"', "--store", store.url, "messages", "a", "b")
    fails(2, "messages has no option --resource", "--store", store.url, "messages", "a", "--resource", "r")
    for number in ("-1", "x", "", "1.5", "99999999999999999999"):
        fails(2, "--page must be a whole number", "--store", store.url, "threads", "--page", number)
    fails(2, 'there is no operation "nope"', "--store", store.url, "call", "nope")
    fails(2, 'there is no operation "nope"', "ops", "nope")


def test_options_stand_anywhere(store):
    equal(run("threads", "--store", store.url)[1], store.output("threads"))
    equal(run("threads", f"--store={store.url}")[1], store.output("threads"))
    equal(run("threads", env={"MASTRA_STORE_URL": store.url})[1], store.output("threads"))
    store.call("saveThread", {"thread": {"id": "--help", "resourceId": "r1"}})
    contains(store.output("messages", "--", "--help"), "no messages")


def test_exit_codes(store):
    fails(3, "threadId", "--store", store.url, "call", "getThreadById", '{"threadId":5}')
    fails(3, "not valid JSON", "--store", store.url, "call", "getThreadById", '{"threadId"')
    fails(3, "cannot read", "--store", store.url, "call", "getThreadById", "@/no/such/file")
    fails(4, "not found", "--store", store.url, "call", "updateThread", '{"id":"gone"}')
    fails(6, "", "--store", "file:/no/such/folder/agent.db", "threads")
    broken = store.url[len("file:"):] + ".broken"
    with open(broken, "wb") as file:
        file.write(b"this is no database, " * 400)
    fails(7, "", "--store", "file:" + broken, "threads")


def test_errors_are_one_harmless_line(store):
    fails(4, "not found", "--store", store.url, "call", "updateThread", '{"id":"a\\nb\\u001b[31m"}')
    fails(2, "unknown command", "a\nb\x1b[31m\x9b")


def test_a_slip_makes_no_file(store):
    with tempfile.TemporaryDirectory() as folder:
        run("--store", "file:new.db", "call", "nope", cwd=folder)
        run("--store", "file:new.db", "messages", cwd=folder)
        equal(os.listdir(folder), [])


# Operations.

def test_ops(store):
    code, out, err = run("ops")
    equal((code, err), (0, ""))
    contains(out, "saveThread (memory, writes)", "thread.resourceId", "orderBy.direction")
    contains(run("ops", "deleteMessages")[1], "messageIds", '  Example: {"messageIds":["m2"]}\n')
    code, out, err = run("ops", "--json")
    equal((code, err), (0, ""))
    operations = {entry["name"]: entry for entry in json.loads(out)}
    equal(sorted(operations["saveThread"]), ["args", "domain", "errors", "example", "name", "repeatable", "result",
                                               "summary", "writes"])
    equal(operations["updateThread"]["errors"], ["not_found"])
    equal(operations["getThreadById"]["example"], {"threadId": "t1"})
    thread = operations["saveThread"]["args"]["properties"]["thread"]
    equal(thread["required"], ["id", "resourceId"])
    equal(thread["properties"]["createdAt"]["format"], "date-time")
    equal(operations["deleteMessages"]["args"]["oneOf"][0], {"type": "array", "items": {"type": "string"}})
    equal(operations["getThreadById"]["result"]["type"], ["object", "null"])
    equal(operations["cloneThread"]["repeatable"], False)
    equal(operations["init"]["domain"], "store")
    equal(operations["saveThread"]["domain"], "memory")


def test_call(store):
    want = store.call("getThreadById", {"threadId": "t1"})
    equal(want["title"], "First")
    args = '{"threadId":"t1"}'
    equal(json.loads(store.output("call", "getThreadById", "-", stdin=args)), want)
    path = os.path.join(os.path.dirname(store.url[len("file:"):]), "args.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n" + args + "\n")
    equal(json.loads(store.output("call", "getThreadById", "@" + path)), want)
    equal(json.loads(store.output("call", "listThreads"))["total"], 1)
    equal(store.output("call", "getThreadById", '{"threadId":"none"}'), "null\n")
    equal(store.output("call", "deleteMessages", '["none"]'), "null\n")
    big = "x" * (5 << 20)
    store.output("call", "saveResource", "-", stdin=json.dumps({"resource": {"id": "big", "workingMemory": big}}))
    equal(store.call("getResourceById", {"resourceId": "big"})["workingMemory"], big)


# The pipe.

def test_raw_sql_needs_leave(store):
    index = json.dumps({"name": "i", "table": "mastra_threads", "columns": ["id"], "where": "title <> ''"})
    line = json.dumps({"id": 1, "op": "createIndex", "args": json.loads(index)}) + "\n"
    fails(8, "allow_raw_sql", "--store", store.url, "call", "createIndex", index)
    contains(store.output("pipe", stdin=line), '"code":"denied"', "INDEX_CREATE_RAW_SQL_DENIED")
    contains(store.call("listIndexes", {"tableName": "mastra_threads"})[0]["name"], "mastra_threads_")
    equal(json.loads(store.output("pipe", "--allow-raw-sql", stdin=line))["ok"], True)
    equal(store.output("call", "--allow-raw-sql", "createIndex", index), "null\n")
    contains(store.call("describeIndex", "i")["definition"], "WHERE (title <> ''")
    fails(2, "no option --allow-raw-sql", "--store", store.url, "threads", "--allow-raw-sql")


def test_pipe_answers_in_order(store):
    answers = store.pipe('{"id":1,"op":"getThreadById","args":{"threadId":"t1"}}\n',
                         '{"id":"x","op":"getThreadById","args":{"threadId":"none"}}\r\n',
                         '{"id":[1,{"a":null}],"op":"deleteMessages","args":["none"]}\n',
                         '{"op":"listThreads"}')
    equal([answer["id"] for answer in answers], [1, "x", [1, {"a": None}], None])
    equal([answer["ok"] for answer in answers], [True] * 4)
    equal(answers[0]["result"]["id"], "t1")
    equal(answers[1]["result"], None)
    equal(answers[3]["result"]["total"], 1)


def test_pipe_survives_bad_lines(store):
    answers = store.pipe("garbage\n", "\n", "[]\n", '{"id":7}\n', '{"id":8,"op":"nope"}\n', '{"id":9\n',
                         '{"id":10,"op":"getThreadById","args":{"threadId":5}}\n',
                         '{"id":11,"op":"updateThread","args":{"id":"gone"}}\n', '{"id":12,"op":"listThreads"}\n')
    equal([answer["id"] for answer in answers], [None, None, None, 7, 8, None, 10, 11, 12])
    equal([answer["ok"] for answer in answers], [False] * 8 + [True])
    for answer in answers[:-1]:
        equal(sorted(answer["error"]), ["category", "code", "details", "id", "message", "op", "retriable"])
    equal([answer["error"]["code"] for answer in answers[:-1]],
          ["invalid_argument"] * 3 + ["usage"] * 2 + ["invalid_argument"] * 2 + ["not_found"])
    equal(answers[6]["error"]["op"], "getThreadById")
    equal(answers[6]["error"]["details"], {"field": "threadId", "value": "5"})
    equal(answers[7]["error"]["id"], "MASTRA_STORAGE_LIBSQL_UPDATE_THREAD_NOT_FOUND")


def test_pipe_keeps_ids_as_spelled(store):
    out = store.output("pipe", stdin='{"id":1.50e1,"op":"getThreadById","args":{"threadId":"none"}}\n')
    equal(out, '{"id":1.50e1,"ok":true,"result":null}\n')


def test_pipe_bytes_that_are_no_text(store):
    code, out, err = run("--store", store.url, "pipe", raw=True,
                         stdin=b'{"id":"\xff"}\n\0\n{"id":1,"op":"listThreads"}\n')
    equal((code, err), (0, ""))
    answers = [json.loads(line) for line in out.splitlines()]
    equal([answer["ok"] for answer in answers], [False, False, True])


def test_pipe_long_lines(store):
    text = "Zeile mit \u00e4 und \U0001F600 " * 200000
    save = {"id": 1, "op": "saveMessages", "args": {"messages": [
        {"id": "long", "threadId": "t1", "role": "user", "content": text}]}}
    answers = store.pipe(json.dumps(save, ensure_ascii=False) + "\n",
                         '{"id":2,"op":"listMessagesById","args":["long"]}\n')
    equal(answers[1]["result"]["messages"][0]["content"], text)


def test_pipe_many_requests(store):
    lines = [json.dumps({"id": n, "op": "getThreadById", "args": {"threadId": f"t{n % 3}"}}) + "\n"
             for n in range(5000)]
    answers = store.pipe(*lines)
    equal([answer["id"] for answer in answers], list(range(5000)))
    equal(sum(answer["result"] is not None for answer in answers), 1667)


def open_pipe(store):
    return subprocess.Popen([COMMAND, "--store", store.url, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def test_pipe_answers_at_once(store):
    with open_pipe(store) as child:
        for n in range(3):
            child.stdin.write(b'{"id":%d,"op":"listThreads"}\n{"id":' % n)
            child.stdin.flush()
            # Half of the next request is there already; the answer must not wait for the rest.
            equal(json.loads(child.stdout.readline())["id"], n)
            child.stdin.write(b'"half","op":"listThreads"}\n')
            child.stdin.flush()
            equal(json.loads(child.stdout.readline())["id"], "half")
        child.stdin.close()
        equal((child.wait(60), child.stdout.read(), child.stderr.read()), (0, b"", b""))


def test_pipe_ends_quietly_when_nobody_listens(store):
    with open_pipe(store) as child:
        child.stdout.close()
        try:
            for _ in range(10000):
                child.stdin.write(b'{"id":1,"op":"listThreads"}\n')
            child.stdin.close()
        except BrokenPipeError:
            pass
        equal((child.wait(60), child.stderr.read()), (0, b""))
        child.stdin = None


# Looking.

def test_init(store):
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            equal(run("--store", "file:a.db", "init", cwd=folder), (0, "ready: file:a.db\n", ""))
        contains(run("--store", "file:a.db", "threads", cwd=folder)[1], "no threads")


def test_threads(store):
    lines = store.output("threads").splitlines()
    equal(lines[0].split(), ["THREAD", "RESOURCE", "TITLE", "CREATED", "(UTC)", "UPDATED", "(UTC)"])
    equal(lines[1].split()[:3], ["t1", "r1", "First"])
    equal(lines[2], "1 thread")
    contains(store.output("threads", "--resource", "r\"2"), "no threads")
    equal(json.loads(store.output("threads", "--json"))["threads"][0]["id"], "t1")
    equal(json.loads(store.output("threads", "--json", "--resource", 'r"2'))["total"], 0)
    page = json.loads(store.output("threads", "--json", "--page", "1", "--per-page", "1"))
    equal((page["page"], page["perPage"], page["total"], page["hasMore"]), (1, 1, 1, False))
    equal(json.loads(store.output("threads", "--json", "--per-page", "all"))["perPage"], False)


def test_messages(store):
    lines = store.output("messages", "t1").splitlines()
    equal(lines[0].split()[:2], ["MESSAGE", "ROLE"])
    equal(lines[1], f"{UUID}  user       2024-01-01 00:00:01  plain text")
    equal(lines[2].split(None, 4)[4], "part one part two")
    equal(lines[3], "2 messages")
    equal(store.output("messages", "t1", "--per-page", "1").splitlines()[-1], "messages 1-1 of 2; more: --page 1")
    equal(store.output("messages", "t1", "--per-page", "1", "--page", "1").splitlines()[-1], "messages 2-2 of 2")
    equal(store.output("messages", "t1", "--page", "5").splitlines()[-1], "no messages on page 5; 2 in all")
    equal(json.loads(store.output("messages", "t1", "--json"))["total"], 2)


def test_resources(store):
    lines = store.output("resources").splitlines()
    contains(lines[1], "r1", "# Ada likes tea")
    equal(lines[2], "1 resource")
    contains(store.output("resources", "r1"), "likes tea")
    code, out, err = store.run("resources", "r1", "none")
    equal(code, 4)
    contains(out, "likes tea")
    equal(err, 'mastra-store: there is no resource "none" [not_found]\n')
    equal(json.loads(store.output("resources", "--json"))["total"], 1)
    equal([json.loads(line) and "there" for line in store.output("resources", "--json", "r1", "none").splitlines()],
          ["there", None])


def test_tables_are_aligned_and_cut(store):
    texts = ["short", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8" * 20, "e\u0301" * 200, "x" * 500,
             "\U0001F600" * 90]
    store.call("saveMessages", {"messages": [
        {"id": f"w{n}", "threadId": "wide", "role": "user", "content": text} for n, text in enumerate(texts)]})
    for width in (60, 80, 100):
        lines = store.output("messages", "wide", env={"COLUMNS": str(width)}).splitlines()[:-1]
        start = lines[0].index("TEXT")
        for line in lines:
            if columns(line) > width:
                raise AssertionError(f"{columns(line)} columns of {width}: {line}")
            equal(columns(line[:start]), start)
        equal(sum(line.endswith("\u2026") for line in lines), 4)
    lines = store.output("messages", "wide", "--wide").splitlines()
    contains(lines[2], texts[1])
    contains(lines[4], texts[3])


def test_terminals_are_safe(store):
    store.call("saveThread", {"thread": {"id": "evil", "resourceId": "r\u001b[31m", "title": "a\nb\u009bc\u202ed\u007f"}})
    out = store.output("threads")
    contains(out, "r [31m", "a b c d")
    equal([c for c in out if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"], [])
    control, terminal = pty.openpty()
    try:
        done = subprocess.run([COMMAND, "--store", store.url, "threads", "--json"], stdout=terminal, timeout=300,
                              check=True)
        out = os.read(control, 1 << 16).decode()
    finally:
        os.close(control)
        os.close(terminal)
    equal(done.returncode, 0)
    contains(out, "\\u009b", "\\u007f")
    equal([c for c in out if unicodedata.category(c) == "Cc" and c not in "\r\n"], [])
    json.loads(out)


def test_bytes_of_a_foreign_writer(store):
    # The command line takes bytes that are no UTF-8; nothing of them may reach the database.
    code, _, err = run("--store", store.url, "messages", b"\xff\xfe")
    equal(code, 3)
    contains(err, "UTF-8")


def test_output_that_cannot_be_written(store):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([COMMAND, "--store", store.url, "threads"], stdout=full, stderr=subprocess.PIPE,
                              timeout=300, check=False)
    equal(done.returncode, 9)
    contains(done.stderr.decode(), "cannot write the output")
    done = subprocess.run(f"'{COMMAND}' ops | head -n 1", shell=True, capture_output=True, timeout=300, check=False)
    equal((done.stdout, done.stderr), (b"saveThread (memory, writes)\n", b""))


def test_streams_that_are_closed(store):
    """What is opened meanwhile does not take their places."""
    for words, message in ("import <&-", "cannot read standard input: Bad file descriptor"), \
                          ("pipe <&-", "cannot read standard input: Bad file descriptor"), \
                          ("threads >&-", "cannot write the output: Bad file descriptor"):
        done = subprocess.run(f"'{COMMAND}' --store '{store.url}' {words}", shell=True, capture_output=True, timeout=60,
                              check=False)
        equal((done.returncode != 0, done.stdout), (True, b""))
        contains(done.stderr.decode(), message)


def test_secrets_are_not_printed(store):
    for url in ("postgresql://me:s3cret@host/db", "file:x.db?password=s3cret", "libsql://h?authToken=s3cret&a=b"):
        with tempfile.TemporaryDirectory() as folder:
            _, out, err = run("--store", url, "init", cwd=folder)
            if "s3cret" in out + err:
                raise AssertionError(out + err)


def test_urls_where_none_belongs(store):
    """They may hold a password."""
    url = "postgresql://me:s3cret@host/db"
    for code, message, args in ((2, "a store is named with --store", (url,)), (2, "unknown option", ("--store" + url, "init")),
                                (2, "unknown option", ("threads", "--stor=" + url)),
                                (2, "backup takes a file's name, not a URL", ("--store", store.url, "backup", url)),
                                (2, "backup takes a file's name, not a URL", ("--store", store.url, "backup", "file:b.db")),
                                (2, "import takes a file's name, not a URL", ("--store", store.url, "import", url)),
                                (2, "--batch must be", ("copy", "--batch", url)),
                                (2, "there is no operation \"a URL\"", ("call", url)),
                                (2, "--only knows threads", ("export", "--only", url))):
        with tempfile.TemporaryDirectory() as folder:
            fails(code, message, *args, cwd=folder)
            equal(os.listdir(folder), [])
            if "s3cret" in run(*args, cwd=folder)[2]:
                raise AssertionError(args)


def test_demo(store):
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            code, out, err = run("demo", cwd=folder)
            equal((code, err), (0, ""))
            contains(out, "demo-thread", "4 messages", "metric", "Mont Blanc", "file:demo.db threads")
        for line in out.splitlines():
            if line.startswith("  ") and " --store " in line:
                done = subprocess.run(line, shell=True, capture_output=True, cwd=folder, timeout=300, check=True)
                contains(done.stdout.decode(), "demo-")
        contains(run("--store", "file:demo.db", "threads", cwd=folder)[1], "1 thread\n")


main(globals())
