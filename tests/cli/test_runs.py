#!/usr/bin/env python3
"""Tests of the commands around workflow runs: test_runs.py PATH/TO/mastra-store"""

import json
import re
import time

from support import Fixture, Store, contains, equal, fails, golden, main

SUSPENDED = "26a0d608-42bb-471d-877c-6445a4f66538"
DONE = "2dfd3118-7baf-438f-9815-1cd0ad45b0f2"


def save(store, run, snapshot, **more):
    store.call("persistWorkflowSnapshot", {"workflowName": "import", "runId": run, "snapshot": snapshot,
                                           "createdAt": 1704067200000, "updatedAt": 1704067205000, **more})


# runs

def test_runs_of_a_peer(store: Fixture):
    golden("runs-wide", store.output("runs", "--wide"))
    golden("runs-80", store.output("runs", env={"COLUMNS": "80"}))
    page = store.json("runs")
    equal([(run["runId"], run["snapshot"]["status"]) for run in page["runs"]],
          [(DONE, "success"), (SUSPENDED, "suspended")])
    equal(page["total"], 2)


def test_runs_are_filtered(store: Fixture):
    save(store, "r1", {"status": "failed", "context": {}}, resourceId="ada")

    def ids(*args):
        shown = [line.split()[0] for line in store.lines("runs", "--wide", *args)[1:-1]]
        equal([run["runId"] for run in store.json("runs", *args)["runs"]], shown)
        return shown

    equal(ids(), [DONE, SUSPENDED, "r1"])
    equal(ids("--workflow", "approval"), [DONE, SUSPENDED])
    equal(ids("--workflow", "import", "--status", "failed"), ["r1"])
    equal(ids("--status", "suspended"), [SUSPENDED])
    equal(ids("--resource", "ada"), ["r1"])
    equal(ids("--thread", "none"), [])
    equal(ids("--to", "2024-01-01"), ["r1"])
    equal(ids("--from", "2024-01-01T00:00:00.001Z"), [DONE, SUSPENDED])
    equal(ids("--from", "2026-11-21T07:01:49.088+02:00"), [DONE])
    equal(ids("--per-page", "1", "--page", "1"), [SUSPENDED])
    equal(store.lines("runs", "--per-page", "2")[-1], "runs 1-2 of 3; more: --page 1")
    equal(store.output("runs", "--status", "none"), "no runs\n")


def test_times_on_the_command_line(store):
    for text in ("now", "", "2026", "2026-13-01", "2026-02-30", "2026-01-01T25:00", "2026-01-01T10:00Zx", "5y", "-1d",
                 "1234567d", "2026-01-01T10:00:00+5"):
        fails(2, "--from must be a time", "--store", store.url, "runs", f"--from={text}")
    save(store, "old", {"status": "running", "context": {}})
    now = int(time.time() * 1000)
    save(store, "new", {"status": "running", "context": {}}, createdAt=now - 100 * 1000)
    for age, want in (("90s", []), ("2m", ["new"]), ("1h", ["new"]), ("3d", ["new"]), ("5w", ["new"]),
                      ("900000d", ["new", "old"]), ("1970-01-01 00:00", ["new", "old"])):
        equal([run["runId"] for run in store.json("runs", "--from", age)["runs"]], want)


def test_snapshots_of_any_kind(store):
    snapshots = ['"text"', "[]", "{}", '{"status":null}', '{"status":7}', '{"status":{"a":1}}',
                 '{"x":"}","status":"a\\u0041\\u001b\\ud83d\\ude00"}']
    for n, snapshot in enumerate(snapshots):
        store.output("call", "persistWorkflowSnapshot",
                     f'{{"workflowName":"w","runId":"{n}","snapshot":{snapshot},"createdAt":{n}}}')
    equal([line.split()[2] for line in reversed(store.lines("runs")[1:-1])],
          ["-", "-", "-", "-", "7", '{"a":1}', "aA"])
    contains(store.output("runs"), "aA \U0001F600 ")
    for n in range(len(snapshots)):
        contains(store.output("run", str(n)), "  status  ")


# run

def test_run_of_a_peer(store: Fixture):
    golden("run-suspended", store.output("run", SUSPENDED))
    golden("run-success", store.output("run", DONE))
    shown = store.json("run", SUSPENDED)
    equal(shown, store.call("getWorkflowRunById", {"runId": SUSPENDED}))
    equal(shown["snapshot"]["suspendedPaths"], {"approve": [1]})


def test_run_that_failed(store):
    save(store, "r1", {
        "status": "failed", "error": {"name": "Error", "message": "no\nnetwork \u001b[31m"},
        "waitingPaths": {"later": [2]},
        "context": {
            "input": {"status": "not a step"},
            "fetch": {"status": "failed", "startedAt": 1704067200000, "endedAt": 1704067265250, "error": "timed out"},
            "parse \u202e": {"status": "running", "startedAt": 1704067200000},
            "odd": 5,
            "each": [{"status": "success"}]}}, resourceId="ada")
    golden("run-failed", store.output("run", "r1", "--workflow", "import"))


def test_run_that_is_unknown(store):
    store.fails(4, 'there is no run "gone"', "run", "gone")
    code, out, err = store.run("run", "gone", "--json")
    equal((code, out), (4, "null\n"))
    contains(err, 'there is no run "gone"')
    save(store, "r1", {"status": "running", "context": {}})
    store.fails(4, 'there is no run "r1"', "run", "r1", "--workflow", "other")


def test_run_without_steps(store):
    save(store, "r1", {"status": "pending", "context": {"input": {}}})
    out = store.output("run", "r1")
    contains(out, "  status      pending\n")
    equal("STEP" in out, False)


# locks

def test_locks(store):
    equal(store.output("locks"), "no locks\n")
    lock = {"workflowName": "import", "runId": "r1", "ttlMs": 3600 * 1000}
    args = ("call", "tryAcquireWorkflowRunLock", json.dumps(lock))
    equal(store.output(*args, "--owner", "worker-7"), "true\n")
    equal(store.output("--owner=worker-8", *args), "false\n")
    lines = store.lines("locks")
    equal(lines[0].split(), ["WORKFLOW", "RUN", "OWNER", "GENERATION", "ACQUIRED", "(UTC)", "EXPIRES", "IN"])
    if not re.fullmatch(r"import +r1 +worker-7 +1 +\S+ \S+ +(1 h 00|59) min( \d\d s)?", lines[1]):
        raise AssertionError(lines[1])
    equal(lines[2], "1 lock")
    equal(store.json("locks"), store.call("listWorkflowRunLocks", {}))
    # The owner is that of the lock: it may renew it and give it back.
    equal(store.output("--owner", "worker-8", "call", "releaseWorkflowRunLock", json.dumps(lock)), "false\n")
    equal(store.output("--owner", "worker-7", "call", "releaseWorkflowRunLock", json.dumps(lock)), "true\n")
    equal(store.output("locks"), "no locks\n")


def test_owner_is_understood_everywhere(store):
    equal(store.output("--owner", "me", "threads"), store.output("threads"))
    equal(store.output("ops", "--owner", "me"), store.output("ops"))


main(globals())
