#!/usr/bin/env python3
"""Tests of the commands that show scores and evals: test_scores.py PATH/TO/mastra-store"""

from support import contains, equal, main


def save_score(store, name, score, **more):
    store.call("saveScore", {"score": {
        "id": name, "scorerId": "tone", "entityId": "helper", "entityType": "AGENT", "runId": "run-1", "score": score,
        "scorer": {"id": "tone"}, "entity": {"id": "helper"}, "output": {}, "source": "LIVE", **more}})


def test_scores(store):
    equal(store.output("scores"), "no scores\n")
    save_score(store, "s1", 0.875, reason="kind\u001b[31m\nand short")
    lines = store.lines("scores", "--wide")
    equal(lines[0].split(), ["CREATED", "(UTC)", "SCORE", "SCORER", "SOURCE", "ENTITY", "RUN", "REASON"])
    equal(lines[1].split()[2:], ["0.875", "tone", "LIVE", "helper", "run-1", "kind", "[31m", "and", "short"])
    equal(lines[2], "1 score")
    equal(store.json("scores")["scores"], store.call("listScores", {})["scores"])


def test_scores_are_filtered(store):
    save_score(store, "s1", 1)
    save_score(store, "s2", 2, scorerId="length", runId="run-2")
    save_score(store, "s3", 3, entityId="flow", entityType="WORKFLOW", traceId="t", spanId="s")

    def scores(*args):
        shown = sorted(line.split()[2] for line in store.lines("scores", *args)[1:-1])
        equal(sorted(str(score["score"]) for score in store.json("scores", *args)["scores"]), shown)
        return shown

    equal(scores(), ["1", "2", "3"])
    equal(scores("--scorer", "tone"), ["1", "3"])
    equal(scores("--run", "run-2"), ["2"])
    equal(scores("--entity", "flow"), ["3"])
    equal(scores("--entity", "helper", "--entity-type", "AGENT"), ["1", "2"])
    equal(scores("--trace", "t", "--span", "s"), ["3"])
    equal(scores("--trace", "t", "--run", "run-2"), [])
    equal(len(scores("--per-page", "2", "--page", "1")), 1)
    equal(store.lines("scores", "--per-page", "2")[-1], "scores 1-2 of 3; more: --page 1")


def save_eval(store, agent, score, **more):
    store.call("saveEval", {"input": "Hi", "output": "Hello\u009b!", "result": {"score": score}, "agentName": agent,
                            "metricName": "tone", "instructions": "Be kind.", "globalRunId": "all", "runId": "run-1",
                            **more})


def test_evals(store):
    equal(store.output("evals"), "no evals\n")
    save_eval(store, "helper", 0.5)
    lines = store.lines("evals", "--wide")
    equal(lines[0].split(), ["CREATED", "(UTC)", "AGENT", "METRIC", "SCORE", "INPUT", "OUTPUT", "RUN"])
    equal(lines[1].split()[2:], ["helper", "tone", "0.5", "Hi", "Hello", "!", "run-1"])
    equal(lines[2], "1 eval")


def test_evals_are_filtered(store):
    save_eval(store, "helper", 1)
    save_eval(store, "helper", 2, testInfo={"testPath": "a.test.ts"})
    save_eval(store, "other", 3)

    def scores(*args):
        shown = sorted(line.split()[4] for line in store.lines("evals", *args)[1:-1])
        equal(sorted(str(item["result"]["score"]) for item in store.json("evals", *args)["evals"]), shown)
        return shown

    equal(scores(), ["1", "2", "3"])
    equal(scores("--agent", "helper"), ["1", "2"])
    equal(scores("--type", "test"), ["2"])
    equal(scores("--agent", "helper", "--type", "live"), ["1"])
    equal(len(scores("--per-page", "2", "--page", "1")), 1)
    store.fails(2, "--type must be test or live", "evals", "--type", "other")
    contains(store.output("evals", "--agent", "nobody"), "no evals")


main(globals())
