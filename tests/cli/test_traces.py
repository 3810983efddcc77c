#!/usr/bin/env python3
"""Tests of the commands around traces: test_traces.py PATH/TO/mastra-store"""

import os
import pty
import subprocess
import unicodedata

from support import COMMAND, Fixture, columns, contains, equal, fails, golden, main

UTF8 = {"LANG": "C.UTF-8"}


def narrow(width, **env):
    return {**UTF8, "COLUMNS": str(width), **env}


def save(store, *spans):
    """Spans as (id, parent, name, start, end, more), in milliseconds after noon."""
    records = []
    for span_id, parent, name, start, end, more in spans:
        record = {"traceId": "t", "spanId": span_id, "name": name, "spanType": "agent_run", "isEvent": False,
                  "startedAt": f"2026-01-01T12:00:00.{start:03}Z", **more}
        if parent:
            record["parentSpanId"] = parent
        if end is not None:
            record["endedAt"] = f"2026-01-01T12:00:00.{end:03}Z"
        records.append(record)
    store.call("batchCreateSpans", {"records": records})


# traces

def test_traces_of_a_peer(store: Fixture):
    golden("traces-wide", store.output("traces", "--wide"))
    golden("traces-100", store.output("traces"))
    page = store.json("traces")
    equal(page["pagination"]["total"], 5)
    ids = [line.split()[-1] for line in store.lines("traces", "--wide")[1:-1]]
    equal([span["traceId"] for span in page["spans"]], ids)
    equal(sum(len(store.json("trace", trace)["spans"]) for trace in ids), 32)


def test_traces_are_filtered(store: Fixture):
    save(store, ("a", None, "mine", 0, None, {"entityType": "tool", "entityId": "e1", "entityName": "E"}),
         ("b", "a", "its child", 1, 2, {"error": {"message": "no"}}))

    def count(*args):
        traces = [line.split()[-1] for line in store.lines("traces", "--wide", *args)[1:-1]]
        equal([span["traceId"] for span in store.json("traces", *args)["spans"]], traces)
        return len(traces)

    equal(count(), 6)
    equal(count("--status", "running"), 1)
    equal(count("--status", "success"), 5)
    equal(count("--status", "error"), 0)
    equal(count("--errors"), 1)
    equal(count("--name", "agent run: 'echo'"), 3)
    equal(count("--entity-type", "workflow_run"), 2)
    equal(count("--entity", "echo", "--entity-type", "agent"), 3)
    equal(count("--from", "2026-11-21T05:01:49.000Z"), 4)
    equal(count("--to", "2026-01-02"), 1)
    equal(count("--per-page", "2", "--page", "2"), 2)
    contains(store.output("traces", "--errors", "--wide"), "  mine  agent_run  running  E       t\n")
    equal(store.output("traces", "--status", "error"), "no traces\n")
    store.fails(2, "--status must be success, error or running", "traces", "--status", "ok")
    store.fails(3, "perPage", "traces", "--per-page", "all")
    store.fails(3, "perPage", "traces", "--per-page", "101", "--json")


# trace

def test_waterfalls_of_a_peer(store: Fixture):
    for number, span in enumerate(store.json("traces")["spans"]):
        for width in (60, 80, 132):
            out = store.output("trace", span["traceId"], env=narrow(width))
            if width == 80:
                golden(f"trace-{number}", out)
            equal(max(columns(line) for line in out.splitlines()[4:]), width)
            for line in out.splitlines()[1:]:
                if columns(line) > width:
                    raise AssertionError(f"{columns(line)} columns of {width}: {line}")
        equal(store.json("trace", span["traceId"]), store.call("getTrace", {"traceId": span["traceId"]}))


def test_waterfall_without_utf8(store: Fixture):
    trace = store.json("traces")["spans"][0]["traceId"]
    out = store.output("trace", trace, env={"COLUMNS": "80", "LANG": "C"})
    golden("trace-ascii", out)
    equal(out.isascii(), True)
    equal(store.output("trace", trace, env={"COLUMNS": "80"}), out)
    equal(store.output("trace", trace, env={"COLUMNS": "80", "LANG": "C.UTF-8", "LC_ALL": "POSIX"}), out)


ODD = [
    ("a", None, "root \u001b[31m\u65e5\u672c\u8a9e", 0, None, {}),
    ("b", "a", "fails", 100, 300, {"error": {"message": "it\nbroke\u009b", "domain": "X"}}),
    ("b1", "b", "says why in a text", 150, None, {"error": "just text"}),
    ("e", "b", "happens", 200, None, {"isEvent": True}),
    ("r", "a", "goes on", 800, None, {}),
    ("back", "a", "ends before it begins", 900, 850, {}),
    ("late", "a", "takes no time at the end", 960, 960, {}),
]
TANGLE = [
    ("o", "gone", "orphan", 400, 500, {}),
    ("p", "gone", "another orphan", 410, 420, {}),
    ("q", "o", "child of an orphan", 420, 430, {}),
    ("x", "y", "circle x", 500, 600, {}),
    ("y", "x", "circle y", 550, 620, {}),
    ("z", "y", "below a circle", 560, 610, {}),
    ("s", "s", "own parent", 700, 710, {}),
]


def test_waterfall_of_what_goes_wrong(store):
    save(store, *ODD)
    golden("trace-odd", store.output("trace", "t", env=narrow(80)))
    golden("trace-odd-ascii", store.output("trace", "t", env={"COLUMNS": "80"}))
    golden("trace-odd-wide", store.output("trace", "t", "--wide", env=narrow(80)))


def test_waterfall_of_a_tangle(store):
    save(store, *TANGLE)
    out = store.output("trace", "t", env=narrow(80))
    golden("trace-tangle", out)
    equal(sum(out.count(f"{name} ") > 0 for _, _, name, *_ in TANGLE), len(TANGLE))


def test_waterfall_of_deep_and_many_spans(store):
    deep = [(f"d{n}", f"d{n - 1}" if n else None, f"deep {n}", n % 900, n % 900 + 50, {}) for n in range(3000)]
    save(store, *deep)
    for width in (20, 40, 80, 200):
        lines = store.lines("trace", "t", env=narrow(width))
        equal(len(lines), 3000 + 6)
    names = [line for line in lines if "deep " in line]
    equal(len(names), 3000)


def test_waterfall_of_one_moment(store):
    save(store, ("a", None, "now", 5, 5, {}), ("b", "a", "and now", 5, 5, {}))
    golden("trace-moment", store.output("trace", "t", env=narrow(80)))
    store.call("updateSpan", {"traceId": "t", "spanId": "b", "updates": {"endedAt": "2027-05-06T07:08:09Z"}})
    contains(store.output("trace", "t", env=narrow(80)), "489 d 19 h")


def test_trace_that_is_unknown(store):
    store.fails(4, 'there is no trace "gone"', "trace", "gone")
    code, out, err = store.run("trace", "gone", "--json")
    equal((code, out), (4, "null\n"))
    contains(err, 'there is no trace "gone"')
    fails(2, "trace needs an argument", "--store", store.url, "trace")


def on_a_terminal(store, *args, **env):
    control, terminal = pty.openpty()
    try:
        subprocess.run([COMMAND, "--store", store.url, *args], stdout=terminal, timeout=300, check=True,
                       env={"LANG": "C.UTF-8", "TERM": "xterm", "COLUMNS": "80", **env})
        return os.read(control, 1 << 16).decode()
    finally:
        os.close(control)
        os.close(terminal)


def test_colours_are_for_terminals(store):
    save(store, *ODD)
    plain = store.output("trace", "t", env=narrow(80))
    coloured = on_a_terminal(store, "trace", "t")
    contains(coloured, "\x1b[31m", "\x1b[33m", "\x1b[m")
    equal(coloured.replace("\x1b[31m", "").replace("\x1b[33m", "").replace("\x1b[m", "").replace("\r", ""), plain)
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
        equal(on_a_terminal(store, "trace", "t", **env).replace("\r", ""), plain)
    contains(on_a_terminal(store, "trace", "t", NO_COLOR=""), "\x1b[31m")


def test_names_are_harmless(store):
    save(store, ("a", None, "a\nb\u009bc\u202ed\u007f", 0, 9, {"error": "x\r\u0007y", "entityName": "e\u001b"}))
    for out in (store.output("trace", "t", env=narrow(80)), store.output("traces")):
        contains(out, "a b c d")
        equal([c for c in out if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"], [])


main(globals())
