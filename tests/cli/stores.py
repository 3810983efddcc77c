"""Stores full of all kinds of things, and their files looked at from behind, for the tests of commands on whole stores."""

import json
import os
import random
import sqlite3

from support import Store


def beside(store, name):
    return "file:" + os.path.join(os.path.dirname(store.url[len("file:"):]), name)


def path(url):
    return url[len("file:"):]


def sql(url, statement, *values):
    """Runs a statement on a file that nobody has open; returns its rows."""
    connection = sqlite3.connect(path(url))
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def named(store, name):
    """A store in a file beside that of another, which is not there yet."""
    other = Store.__new__(Store)
    other.url = beside(store, name)
    return other


def content(url):
    """All rows of all tables; those of messages and evals in the order of insertion."""
    tables = {}
    for table in (row[0] for row in sql(url, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")):
        ordered = table in ("mastra_messages", "mastra_evals")
        rows = sql(url, f"SELECT * FROM {table} ORDER BY {'createdAt, rowid' if ordered else '1, 2'}")
        tables[table] = rows
    return tables


def fill(store, seed, size=12):
    """A store with something in every table and nearly every column, drawn at random."""
    draw = random.Random(seed)

    def text():
        return draw.choice(["", "plain", "ä\u2028\U0001f600 \"quoted\"\n", "'; DROP", " spaces ", "x" * draw.randrange(3000)])

    def value(depth=2):
        kinds = [None, True, draw.randrange(-10**15, 10**15), draw.random(), text()]
        if depth and draw.random() < 0.5:
            return {text()[:40]: value(depth - 1) for _ in range(draw.randrange(4))}
        return draw.choice(kinds)

    def moment():
        # Few of them, so that many rows share one.
        return f"2024-0{draw.randrange(1, 4)}-01T00:00:00.00{draw.randrange(3)}Z"

    def optional(**members):
        return {name: member for name, member in members.items() if draw.random() < 0.7}

    calls = []
    for n in range(size):
        thread = f"t{draw.randrange(size // 3 + 1)}"
        calls.append(("saveThread", {"thread": {"id": f"t{n}", "resourceId": f"r{n % 3}", "title": text(),
                                                "createdAt": moment(), "updatedAt": moment(),
                                                **optional(metadata={"a": value()})}}))
        calls.append(("saveMessages", {"messages": [
            {"id": f"m{draw.randrange(10**9)}-{n}-{k}", "threadId": draw.choice([thread, "t0", "gone"]), "role": "user",
             "content": draw.choice([text(), {"format": 2, "parts": [value()]}]), "createdAt": moment(),
             **optional(resourceId="r1", type="text")} for k in range(draw.randrange(1, 6))]}))
        calls.append(("saveResource", {"resource": {"id": f"r{n}", "workingMemory": text(), "createdAt": moment(),
                                                    "updatedAt": moment(), **optional(metadata={"b": value()})}}))
        calls.append(("persistWorkflowSnapshot", {
            "workflowName": f"w{n % 3}", "runId": f"run{n}", "snapshot": {"status": "running", "value": value()},
            "createdAt": moment(), "updatedAt": moment(), **optional(resourceId="r1")}))
        calls.append(("batchCreateSpans", {"records": [
            {"traceId": f"x{n % 4}", "spanId": f"s{n}-{k}", "name": text(), "spanType": "agent_run", "isEvent": k == 1,
             "startedAt": moment(), **optional(
                 parentSpanId="s0", entityType="agent", entityId="e", entityName=text(), userId="u", organizationId="o",
                 resourceId="r", runId="run1", sessionId="s", threadId="t1", requestId="q", environment="test",
                 source="local", serviceName="svc", scope={"v": value()}, metadata={"m": value()}, tags=["a", text()],
                 attributes={"n": value()}, links=[{"l": value()}], input=value(), output=value(), error={"e": value()},
                 endedAt=moment(), requestContext={"c": value()})} for k in range(draw.randrange(1, 4))]}))
        calls.append(("saveScore", {
            "scorerId": "sc", "runId": f"run{n}", "scorer": {"id": "sc"}, "score": draw.random(), "output": {"o": value()},
            "entity": {"id": "e"}, "entityId": "e", "entityType": "AGENT", "source": "LIVE", "input": {"i": value()},
            **optional(reason=text(), metadata={"m": value()}, traceId="x1", spanId="s1", resourceId="r", threadId="t",
                       analyzePrompt=text(), additionalContext={"a": value()})}))
        for _ in range(draw.randrange(1, 3)):
            calls.append(("saveEval", {
                "input": "in", "output": text(), "result": {"score": n % 2}, "agentName": "a", "metricName": "m",
                "instructions": "i", "globalRunId": "g", "runId": f"run{n % 2}", "createdAt": moment(),
                **optional(testInfo={"t": 1})}))
        calls.append(("batchTraceInsert", {"records": [
            {"id": f"tr{n}", "name": "n", "traceId": f"x{n}", "scope": "s", "kind": n, "startTime": 10**15 + n,
             "endTime": 10**15 + n, "createdAt": moment(), **optional(attributes={"a": value()}, other=text())}]}))
        calls.append(("tryAcquireWorkflowRunLock", {"workflowName": "w", "runId": f"run{n}"}))
    lines = [json.dumps({"id": n, "op": name, "args": args}) + "\n" for n, (name, args) in enumerate(calls)]
    answers = store.output("pipe", stdin="".join(lines)).split("\n")
    for line, answer in zip(lines, answers[:-1], strict=True):
        if not json.loads(answer)["ok"]:
            raise AssertionError(f"{line} {answer}")
