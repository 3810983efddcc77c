#!/usr/bin/env python3
"""Tests of the commands on two stores of which one, or both, are on PostgreSQL: test_copy_postgres.py PATH/TO/mastra-store"""

import json
import os
import random
import signal
import subprocess
import time

from postgres import Postgres, server
from stores import beside, fill, named, sql
from support import COMMAND, Store, contains, equal, main, run

KEYS = {"mastra_workflow_snapshot": ("workflow_name", "run_id"), "mastra_ai_spans": ("traceId", "spanId"),
        "mastra_workflow_run_locks": ("workflow_name", "run_id")}
# The database sets these by itself.
STAMPED = {("mastra_ai_spans", "createdAt"), ("mastra_ai_spans", "updatedAt")}


def copy(one, other, *args):
    code, out, err = run("copy", one, other, "--json", *args)
    equal((code, err), (0, ""))
    return json.loads(out)


def sums(report, *members):
    return tuple(sum(table[member] for table in report["tables"].values()) for member in members)


def diff(one, other):
    code, out, err = run("diff", one, other, "--json")
    equal(err, "")
    result = json.loads(out)
    equal(code, 0 if result["equal"] else 1)
    return result


def check_copy(one, other):
    """All of it, once."""
    report = copy(one, other)
    equal(report["notes"], [])
    equal(sums(report, "added"), sums(report, "from"))
    equal((diff(one, other)["notes"], diff(other, one)["notes"]), ([], []))
    equal(sums(copy(one, other), "added", "changed"), (0, 0))


def test_every_way(store: Store):
    for seed in range(2):
        first = named(store, f"first{seed}.db")
        fill(first, seed)
        second, third, last = Postgres(None), Postgres(None), named(store, f"last{seed}.db")
        check_copy(first.url, second.url)
        check_copy(second.url, third.url)
        check_copy(third.url, last.url)
        equal(sums(diff(first.url, third.url), "different"), (0,))


def test_what_is_newer_may_be_kept(store: Store):
    """Also spans, whose updatedAt PostgreSQL stamps with the time of the copy."""
    fill(store, 3)
    second = Postgres(None)
    copy(store.url, second.url)
    second.sql("UPDATE mastra_threads SET title = 'other', \"updatedAt\" = '2999-01-01', \"updatedAtZ\" = '2999-01-01'"
               " WHERE id = 't1'",
               "UPDATE mastra_threads SET title = 'other', \"updatedAt\" = '1999-01-01', \"updatedAtZ\" = '1999-01-01'"
               " WHERE id = 't2'")
    sql(store.url, "UPDATE mastra_ai_spans SET name = 'older', updatedAt = '1999-01-01T00:00:00.000Z' WHERE spanId = 's1-0'")
    sql(store.url, "UPDATE mastra_ai_spans SET name = 'newer', updatedAt = '2999-01-01T00:00:00.000Z' WHERE spanId = 's2-0'")
    report = copy(store.url, second.url, "--keep-newer")
    equal({table: (count["changed"], count["kept"]) for table, count in report["tables"].items() if count["changed"]},
          {"mastra_threads": (1, 1), "mastra_ai_spans": (1, 1)})
    equal(second.sql("SELECT title FROM mastra_threads WHERE id = 't1'"), [["other"]])
    # The other way, what is newer comes over.
    equal(sums(copy(second.url, store.url, "--keep-newer"), "changed", "kept"), (2, 0))


def listed(url, *threads):
    args = json.dumps({"threadId": threads, "perPage": False})
    code, out, err = run("call", "listMessages", args, env={"MASTRA_STORE_URL": url})
    equal((code, err), (0, ""))
    return [message["id"] for message in json.loads(out)["messages"]]


def test_the_order_of_equal_times_is_kept(store: Store):
    draw = random.Random(7)
    ids = [f"{draw.randrange(10**9)}" for _ in range(400)]
    threads = {n: draw.choice("abc") for n in ids}
    for at in range(0, len(ids), 100):
        store.call("saveMessages", {"messages": [
            {"id": n, "threadId": threads[n], "role": "user", "content": "c", "createdAt": 1} for n in ids[at:at + 100]]})
    second, third, last = Postgres(None), Postgres(None), named(store, "last.db")
    copy(store.url, second.url, "--batch", "7")
    equal(listed(second.url, "a", "b", "c"), ids)
    copy(second.url, third.url, "--batch", "7")
    copy(second.url, last.url, "--batch", "7")
    for thread in "abc":
        want = [n for n in ids if threads[n] == thread]
        equal(listed(third.url, thread), want)
        equal(listed(last.url, thread), want)


def test_a_database_of_the_adapter(store: Postgres):
    """It lacks the column that tells the order of insertion, and stays as it is; rows without a number come by their id."""
    store.call("saveMessages", {"messages": [
        {"id": n, "threadId": "t1", "resourceId": "r1", "role": "user", "content": n, "createdAt": 5} for n in "DbcA"]})
    store.sql("UPDATE mastra_messages SET \"mastraSeq\" = NULL")
    with_column = Postgres(None)
    copy(store.url, with_column.url, "--batch", "1")
    equal(listed(with_column.url, "t1")[:4], ["A", "D", "b", "c"])
    store.sql('ALTER TABLE mastra_messages DROP COLUMN "mastraSeq"')
    columns = ("SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
               " AND table_name = 'mastra_messages' ORDER BY 1")
    before = store.sql(columns)
    without = Postgres(None)
    copy(store.url, without.url, "--batch", "1")
    equal(sorted(listed(without.url, "t1")), sorted(listed(with_column.url, "t1")))
    equal(diff(store.url, without.url)["notes"], [])
    equal(diff(without.url, store.url)["notes"], [])
    equal(store.sql(columns), before)


def changed_value(declared, column):
    if declared in ("jsonb", "json"):
        return "'{\"changed\": 1}'"
    if declared.startswith("timestamp"):
        return "'2001-01-01T00:00:00.001Z'"
    if declared in ("integer", "bigint", "double precision"):
        return "77"
    return f'NOT "{column}"' if declared == "boolean" else "'changed'"


def change_columns(store, table, columns):
    """Every column in some row; returns which of which."""
    keys = KEYS.get(table, ("id",))
    names = ", ".join(f'"{key}"' for key in keys)
    rows = store.sql(f"SELECT {names} FROM {table} ORDER BY {names}")
    changed, statements = {}, []
    twins = {column for column, _ in columns}
    for n, (column, declared) in enumerate((column, declared) for column, declared in columns
                                           if not (column[-1] == "Z" and column[:-1] in twins)):
        if column in (*keys, "mastraSeq"):
            continue
        row = rows[n % len(rows)]
        value = changed_value(declared, column)
        both = "".join(f', "{column}Z" = {value}' if column + "Z" in twins else "")
        where = " AND ".join(f"\"{key}\" = '{part}'" for key, part in zip(keys, row, strict=True))
        statements.append(f'UPDATE {table} SET "{column}" = {value}{both} WHERE {where}')
        if (table, column) not in STAMPED:
            changed.setdefault(" ".join(row), []).append(column)
    store.sql(*statements)
    return changed


def test_diff_names_what_differs(store: Store):
    """Every column of every table with a key: changed in a row, it is told of, and nothing else is."""
    fill(store, 5)
    other = Postgres(None)
    copy(store.url, other.url)
    tables = {}
    for table, column, declared in other.sql(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name <> 'mastra_evals' ORDER BY table_name, ordinal_position"):
        tables.setdefault(table, []).append((column, declared))
    equal(len(tables), 8)
    for table, columns in tables.items():
        changed = change_columns(other, table, columns)
        for one, two in ((store.url, other.url), (other.url, store.url)):
            notes = {note["key"]: note for note in diff(one, two)["notes"]}
            equal({key: sorted(note["columns"].split(", ")) for key, note in notes.items()},
                  {key: sorted(names) for key, names in changed.items()})
            equal({note["what"] for note in notes.values()}, {"different"})
        copy(store.url, other.url)
        equal(diff(store.url, other.url)["notes"], [])


def test_columns_of_someone_else(store: Store):
    other = Postgres(None)
    copy(store.url, other.url)
    for column in ("both TEXT", "mine TEXT"):
        sql(store.url, f"ALTER TABLE mastra_messages ADD COLUMN {column}")
    other.sql('ALTER TABLE mastra_messages ADD COLUMN "both" text', "ALTER TABLE mastra_messages ADD COLUMN theirs integer")
    sql(store.url, "UPDATE mastra_messages SET both = 'b' || id, mine = 'x'")
    report = copy(store.url, other.url)
    equal(sorted((note["columns"], note["inFrom"], note["inTo"]) for note in report["notes"]),
          [("mine", True, False), ("theirs", False, True)])
    equal(other.sql("SELECT \"both\" FROM mastra_messages WHERE id = 'm2'"), [["bm2"]])
    back = beside(store, "back.db")
    equal([note["columns"] for note in copy(other.url, back)["notes"]], ["both", "theirs"])


def test_killed_and_started_again(store: Store):
    connection = [{"id": f"{n * 7919 % 4001}-{n}", "threadId": f"t{n % 9}", "role": "user", "content": "x" * 200,
                   "createdAt": n // 50} for n in range(4000)]
    for at in range(0, len(connection), 500):
        store.call("saveMessages", {"messages": connection[at:at + 500]})
    other = Postgres(None)
    other.output("init")
    draw = random.Random(11)
    seen = [0]
    for _ in range(6):
        process = subprocess.Popen([COMMAND, "copy", store.url, other.url, "--batch", "50", "--quiet"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen.append(int(other.sql("SELECT count(*) FROM mastra_messages")[0][0]))
    equal(seen, sorted(seen))
    equal(sums(copy(store.url, other.url), "changed"), (0,))
    equal(diff(store.url, other.url)["equal"], True)
    for thread in range(9):
        equal(listed(other.url, f"t{thread}"), listed(store.url, f"t{thread}"))


def words_of(process):
    """As every user of the machine sees them, once the URLs are out of sight; what they are in the end if they never are."""
    for _ in range(600):
        with open(f"/proc/{process.pid}/cmdline", "rb") as file:
            words = file.read().decode().split("\0")
        # A program that is only just being started has none.
        if len(words) > 1 and not any("mastra" in word.partition("://")[2] for word in words):
            break
        time.sleep(0.05)
    return words


def test_urls_are_out_of_sight(store: Postgres):
    other = Postgres(None)
    other.output("init")
    for command in ("copy", "diff"):
        with store.psql(stdin=subprocess.PIPE) as holder:
            holder.stdin.write("BEGIN; LOCK TABLE mastra_threads; SELECT 'held';\n")
            holder.stdin.flush()
            equal(holder.stdout.readline(), "held\n")
            with subprocess.Popen([COMMAND, command, store.url, other.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) as process:
                words = words_of(process)
                equal(process.poll(), None)
                holder.stdin.close()
                out, err = process.communicate()
        equal(words[1], command)
        for word in words[2:4]:
            equal(set(word[len("postgresql://"):]), {"x"})
        equal(server()["MASTRA_TEST_POSTGRES_PASSWORD"] in out + err, False)
        equal(process.returncode, 0)


def test_check(store: Postgres):
    equal(store.output("check", "--json") and store.json("check")["problems"], [])
    store.sql(f"DROP INDEX {store.schema}_mastra_messages_pages_idx", "ALTER TABLE mastra_scorers DROP COLUMN reason",
              "DROP TABLE mastra_resources")
    want = {("mastra_messages", f"{store.schema}_mastra_messages_pages_idx"), ("mastra_scorers", "reason"),
            ("mastra_resources", "mastra_resources")}
    code, out, err = store.run("check", "--json")
    equal((code, err), (1, ""))
    equal({(problem["table"], problem["what"]) for problem in json.loads(out)["problems"]}, want)
    code, out, err = store.run("check", "--repair", "--json")
    equal((code, [problem["repaired"] for problem in json.loads(out)["problems"]]), (0, [True] * 3))
    equal(store.run("check")[0], 0)


def test_spans_that_share_a_key(store: Postgres):
    for trace in ("x1", "x2"):
        store.call("createSpan", {"span": {"traceId": trace, "spanId": "s", "name": "n", "spanType": "agent_run",
                                           "isEvent": False, "startedAt": 1}})
    key = store.sql("SELECT conname FROM pg_constraint WHERE conrelid = 'mastra_ai_spans'::regclass AND contype = 'p'")[0][0]
    store.sql(f'ALTER TABLE mastra_ai_spans DROP CONSTRAINT "{key}"',
              "INSERT INTO mastra_ai_spans SELECT * FROM mastra_ai_spans WHERE \"traceId\" = 'x1'",
              "UPDATE mastra_ai_spans SET name = 'best', \"endedAt\" = now() WHERE ctid ="
              " (SELECT min(ctid) FROM mastra_ai_spans WHERE \"traceId\" = 'x1')")
    found = [["duplicate", "x1 s", None], ["index", None, key]]
    for args, code, repaired in (((), 1, 0), (("--repair",), 0, 2)):
        got, out, err = store.run("check", "--json", *args)
        result = json.loads(out)
        equal((got, err, result["repaired"]), (code, "", repaired))
        equal(sorted([problem["kind"], problem.get("key"), problem.get("what")] for problem in result["problems"]), found)
    equal(store.run("check")[0], 0)
    equal(store.sql("SELECT \"traceId\", name FROM mastra_ai_spans ORDER BY 1"), [["x1", "best"], ["x2", "n"]])


def test_spans_that_share_a_key_beside_a_table_that_inherits(store: Postgres):
    """Places in one table are no places in the other."""
    for trace in ("x1", "x2"):
        store.call("createSpan", {"span": {"traceId": trace, "spanId": "s", "name": "n", "spanType": "agent_run",
                                           "isEvent": False, "startedAt": 1}})
    key = store.sql("SELECT conname FROM pg_constraint WHERE conrelid = 'mastra_ai_spans'::regclass AND contype = 'p'")[0][0]
    store.sql(f'ALTER TABLE mastra_ai_spans DROP CONSTRAINT "{key}"',
              "CREATE TABLE others () INHERITS (mastra_ai_spans)",
              "INSERT INTO mastra_ai_spans SELECT * FROM mastra_ai_spans WHERE \"traceId\" = 'x1'",
              "INSERT INTO others SELECT (jsonb_populate_record(span, jsonb_build_object('traceId', 'y' || n))).*"
              " FROM ONLY mastra_ai_spans AS span, generate_series(1, 8) AS n WHERE span.\"traceId\" = 'x2'")
    # Wherever the worse of the two stands, a span of the other table does so as well.
    equal(store.sql("SELECT \"traceId\" FROM ONLY mastra_ai_spans WHERE ctid NOT IN (SELECT ctid FROM others)"), [])
    code, out, err = store.run("check", "--json", "--repair")
    equal((code, err), (0, ""))
    equal([problem["key"] for problem in json.loads(out)["problems"] if problem["kind"] == "duplicate"], ["x1 s"])
    equal(store.sql("SELECT \"traceId\" FROM ONLY mastra_ai_spans ORDER BY 1"), [["x1"], ["x2"]])
    equal(store.sql("SELECT count(*) FROM others"), [["8"]])


def test_stats_and_lines(store: Store):
    fill(store, 4)
    full, other = Postgres(None), Postgres(None)
    copy(store.url, full.url)
    lines = full.output("export")
    other.output("import", "-", stdin=lines)
    equal(diff(full.url, other.url)["notes"], [])
    report = full.json("stats")
    equal(sum(table["rows"] for table in report["tables"]), len(lines.rstrip("\n").split("\n")))
    if os.path.exists("backup.db"):
        raise AssertionError("there is a file of that name")
    full.fails(2, "a postgres store is backed up by the means of its database", "backup", "backup.db")


main(globals())
