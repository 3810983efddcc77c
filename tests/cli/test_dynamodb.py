#!/usr/bin/env python3
"""Tests of the commands that make a DynamoDB table: test_dynamodb.py PATH/TO/mastra-store"""

import itertools
import json
import os
import re
import subprocess
import time

from dynamodb import KEYS, Dynalite, Proxy, StandIn, ask, definitions, endpoint, error, index, key_schema, table
from support import COMMAND, contains, equal, fails, main, run

NUMBERS = itertools.count(1)
TTL_ON = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}}
RECOVERY_ON = {"ContinuousBackupsDescription": {
    "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}}
FINE = {"DescribeTimeToLive": [TTL_ON], "DescribeContinuousBackups": [RECOVERY_ON]}


class Bare:
    """A folder, and no store."""

    def __init__(self, folder):
        self.folder = folder


def new_name():
    return f"cli-{os.getpid()}-{next(NUMBERS)}"


def setup(name, *words, where=None):
    """The parts of the table with what became of them, and what was told on the way."""
    code, out, err = run("dynamodb-setup", "--table", name, "--endpoint", where or endpoint(), "--json", *words, env=KEYS)
    if code != 0:
        raise AssertionError(err)
    result = json.loads(out)
    equal(result["table"], name)
    return {part["name"]: part["outcome"] for part in result["parts"]}, err


def setup_fails(code, message, name, *words, where=None):
    got, out, err = run("dynamodb-setup", "--table", name, "--endpoint", where or endpoint(), "--quiet", *words, env=KEYS)
    equal((got, out), (code, ""))
    contains(err, message)
    if KEYS["AWS_SECRET_ACCESS_KEY"] in err:
        raise AssertionError(err)


def shape(name, where=None):
    """What a table has, as far as we make it."""
    found = ask("DescribeTable", {"TableName": name}, where)["Table"]
    indexes = {one["IndexName"]: (one["KeySchema"], one["Projection"]["ProjectionType"])
               for one in found.get("GlobalSecondaryIndexes", [])}
    types = {one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]}
    return found["KeySchema"], indexes, types


def check_shape(name, count, where=None):
    keys, indexes, types = shape(name, where)
    equal(keys, key_schema(0))
    equal(indexes, {f"gsi{number}": (key_schema(number), "ALL") for number in range(1, count + 1)})
    equal(types, {one["AttributeName"]: one["AttributeType"] for one in definitions(*range(count + 1))})


def make(name, **more):
    ask("CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": key_schema(0),
                        "AttributeDefinitions": definitions(0), **more})


# dynamodb-setup on DynamoDB Local

def test_a_table_is_made(store: Bare):
    name = new_name()
    parts, told = setup(name)
    equal(parts, {"table": "made", "gsi1": "made", "gsi2": "made", "ttl": "made", "recovery": "skipped",
                  "encryption": "skipped"})
    contains(told, "table: being made\n")
    check_shape(name, 2)
    equal(ask("DescribeTimeToLive", {"TableName": name})["TimeToLiveDescription"]["AttributeName"], "ttl")


def test_again_nothing_is_done(store: Bare):
    name = new_name()
    setup(name)
    with Proxy() as proxy:
        parts, told = setup(name, where=proxy.url)
        requests = proxy.tell("count")["requests"]
    equal((parts["table"], parts["gsi1"], parts["gsi2"], parts["ttl"]), ("present",) * 4)
    equal(told, "")
    equal([operation for operation in requests if operation in ("CreateTable", "UpdateTimeToLive")], [])
    code, out, err = run("dynamodb-setup", "--table", name, "--endpoint", endpoint(), env=KEYS)
    equal((code, err), (0, ""))
    equal(out.splitlines()[0], "table       present")
    contains(out, "recovery    skipped: the endpoint does not know UpdateContinuousBackups\n")


def test_indexes_are_added_one_by_one(store: Bare):
    name = new_name()
    make(name)
    parts, told = setup(name, "--indexes", "7", "--quiet")
    equal([parts["table"]] + [parts[f"gsi{number}"] for number in range(1, 8)], ["present"] + ["made"] * 7)
    equal(told, "")
    check_shape(name, 7)
    # Fewer than there are: the others stay.
    setup(name, "--indexes", "2")
    check_shape(name, 7)


def test_all_indexes_at_once(store: Bare):
    name = new_name()
    setup(name, "--indexes", "7")
    check_shape(name, 7)


def test_what_is_left_out(store: Bare):
    name = new_name()
    parts, _ = setup(name, "--ttl", "", "--no-recovery", "--no-encryption")
    equal(sorted(parts), ["gsi1", "gsi2", "table"])
    equal(ask("DescribeTimeToLive", {"TableName": name})["TimeToLiveDescription"]["TimeToLiveStatus"], "DISABLED")
    parts, _ = setup(name, "--ttl", "expiresAt")
    equal(parts["ttl"], "made")
    # One attribute is all that DynamoDB knows; another one is not forced upon it.
    parts, _ = setup(name)
    equal(parts["ttl"], "skipped")
    equal(ask("DescribeTimeToLive", {"TableName": name})["TimeToLiveDescription"]["AttributeName"], "expiresAt")


def test_a_table_of_others(store: Bare):
    name = new_name()
    ask("CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
                        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]})
    setup_fails(5, "its key is not pk (HASH) and sk (RANGE)", name)
    name = new_name()
    make(name, AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"},
                                     {"AttributeName": "sk", "AttributeType": "N"}])
    setup_fails(5, "not both texts", name)


def test_an_index_of_others(store: Bare):
    name = new_name()
    wrong = {"IndexName": "gsi2", "KeySchema": [{"AttributeName": "gsi2pk", "KeyType": "HASH"}],
             "Projection": {"ProjectionType": "ALL"}}
    make(name, AttributeDefinitions=definitions(0) + definitions(2)[:1], GlobalSecondaryIndexes=[wrong])
    setup_fails(5, "gsi2 of DynamoDB table", name)
    # Nothing was changed before that was seen.
    equal(list(shape(name)[1]), ["gsi2"])
    name = new_name()
    make(name, AttributeDefinitions=definitions(0, 1), GlobalSecondaryIndexes=[
        {"IndexName": "gsi1", "KeySchema": key_schema(1), "Projection": {"ProjectionType": "KEYS_ONLY"}}])
    setup_fails(5, "does not project all attributes", name)


def test_several_at_the_same_time(store: Bare):
    name = new_name()
    words = ["dynamodb-setup", "--table", name, "--endpoint", endpoint(), "--indexes", "4", "--json"]
    crowd = [subprocess.Popen([COMMAND, *words], env={**os.environ, **KEYS}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) for _ in range(6)]
    for one in crowd:
        out, err = one.communicate(timeout=300)
        equal((one.returncode, err if one.returncode else ""), (0, ""))
        equal(len(json.loads(out)["parts"]), 8)
    check_shape(name, 4)


def test_answers_that_are_lost(store: Bare):
    for kind in ("unanswered", "late", "cut", "throttle"):
        name = new_name()
        with Proxy() as proxy:
            proxy.tell(f"once {kind} CreateTable")
            proxy.tell(f"once {kind} UpdateTimeToLive")
            setup(name, where=proxy.url)
            equal(proxy.tell("count")["faults"], {kind: 2})
        check_shape(name, 2)


# dynamodb-setup on dynalite

def test_dynalite(store: Bare):
    """It answers CREATING for a while, and adds no index to a table."""
    with Dynalite() as other:
        parts, told = setup("agents", where=other.url)
        equal([parts[part] for part in ("table", "gsi1", "gsi2")], ["made"] * 3)
        equal([parts[part] for part in ("ttl", "recovery", "encryption")], ["skipped"] * 3)
        contains(told, "table: being made\n")
        check_shape("agents", 2, other.url)
        equal(set(list(setup("agents", where=other.url)[0].values())[:3]), {"present"})
        url = f"dynamodb://us-east-1/agents?endpoint={other.url}"
        equal(run("--store", url, "init", env=KEYS)[:2], (0, f"ready: {url}\n"))


# What only AWS does

def test_waiting(store: Bare):
    making = table(index(1, "CREATING"), index(2, "CREATING"), status="CREATING")
    filling = table(index(1), index(2, "CREATING", Backfilling=True))
    with StandIn(DescribeTable=[error("ResourceNotFoundException"), making, making, filling, filling,
                                table(index(1), index(2))],
                 CreateTable=[making], UpdateContinuousBackups=[error("ContinuousBackupsUnavailableException"),
                                                                error("ContinuousBackupsUnavailableException"), {}],
                 DescribeTimeToLive=[{"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}],
                 UpdateTimeToLive=[{}],
                 DescribeContinuousBackups=[{"ContinuousBackupsDescription": {
                     "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}}]) as aws:
        parts, _ = setup("agents", where=aws.url)
    equal(set(parts.values()), {"made"})
    equal(len(aws.sent("CreateTable")), 1)
    equal(aws.sent("CreateTable")[0]["SSESpecification"], {"Enabled": True})
    equal(len(aws.sent("UpdateContinuousBackups")), 3)
    equal(aws.sent("UpdateContinuousBackups")[0],
          {"TableName": "agents", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}})
    equal(aws.sent("UpdateTimeToLive"), [{"TableName": "agents", "TimeToLiveSpecification": {"AttributeName": "ttl",
                                                                                              "Enabled": True}}])


def test_one_index_after_another(store: Bare):
    """An index is asked for only when the one before is there, and again when the table is in use."""
    updating = {"status": "UPDATING"}
    with StandIn(DescribeTable=[table(index(1)), table(index(1)), table(index(1), index(2, "CREATING"), **updating),
                                table(index(1), index(2), **updating), table(index(1), index(2)),
                                table(index(1), index(2), index(3, "CREATING"), **updating),
                                table(index(1), index(2), index(3))],
                 UpdateTable=[error("ResourceInUseException"), {}, {}], **FINE) as aws:
        parts, _ = setup("agents", "--indexes", "3", where=aws.url)
    equal([parts[f"gsi{number}"] for number in (1, 2, 3)], ["present", "made", "made"])
    bodies = aws.sent("UpdateTable")
    equal([body["GlobalSecondaryIndexUpdates"][0]["Create"]["IndexName"] for body in bodies], ["gsi2", "gsi2", "gsi3"])
    equal(bodies[-1], {"TableName": "agents", "AttributeDefinitions": definitions(3), "GlobalSecondaryIndexUpdates": [
        {"Create": {"IndexName": "gsi3", "KeySchema": key_schema(3), "Projection": {"ProjectionType": "ALL"}}}]})
    # Between them the table was seen to be ready.
    operations = [operation for operation, _ in aws.requests]
    last = len(operations) - 1 - operations[::-1].index("UpdateTable")
    equal("DescribeTable" in operations[operations.index("UpdateTable"):last], True)


def test_an_index_that_is_not_seen_at_once(store: Bare):
    one = table(index(1))
    with StandIn(DescribeTable=[one, one, one, one, table(index(1), index(2))], UpdateTable=[{}], **FINE) as aws:
        parts, told = setup("agents", where=aws.url)
    equal((parts["gsi2"], told, len(aws.sent("UpdateTable"))), ("made", "gsi2: being made\n", 1))
    with StandIn(DescribeTable=[one], UpdateTable=[{}], **FINE) as aws:
        setup_fails(2, "has taken the request for gsi2 and does not make it", "agents", where=aws.url)
        equal(len(aws.sent("UpdateTable")), 1)


def test_an_index_of_a_table_with_units(store: Bare):
    """A table whose capacity is paid for all the time: its indexes must have some, too."""
    units = {"ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 3, "NumberOfDecreasesToday": 0}}
    with StandIn(DescribeTable=[table(index(1), **units), table(index(1), index(2), **units)], UpdateTable=[{}],
                 **FINE) as aws:
        setup("agents", where=aws.url)
    equal(aws.sent("UpdateTable")[0]["GlobalSecondaryIndexUpdates"][0]["Create"],
          {"IndexName": "gsi2", "KeySchema": key_schema(2), "Projection": {"ProjectionType": "ALL"},
           "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 3}})


def test_a_table_that_somebody_else_makes(store: Bare):
    with StandIn(DescribeTable=[error("ResourceNotFoundException"), table(index(1), index(2), status="CREATING"),
                                table(index(1), index(2))],
                 CreateTable=[error("ResourceInUseException")], **FINE) as aws:
        parts, _ = setup("agents", where=aws.url)
    equal(set(parts.values()), {"present"})


def test_a_table_that_is_being_deleted(store: Bare):
    with StandIn(DescribeTable=[table(index(1), index(2), status="DELETING"), error("ResourceNotFoundException"),
                                table(index(1), index(2))], CreateTable=[{}], **FINE) as aws:
        parts, _ = setup("agents", where=aws.url)
    equal(parts["table"], "made")
    with StandIn(DescribeTable=[table(index(1), index(2), status="ARCHIVED")], **FINE) as aws:
        setup_fails(5, "ARCHIVED", "agents", where=aws.url)


def test_encryption_of_a_table_that_is_there(store: Bare):
    plain = table(index(1), index(2), SSEDescription=None)
    with StandIn(DescribeTable=[plain], UpdateTable=[error("LimitExceededException"), {}], **FINE) as aws:
        parts, _ = setup("agents", where=aws.url)
        equal(parts["encryption"], "made")
        equal(aws.sent("UpdateTable")[-1], {"TableName": "agents", "SSESpecification": {"Enabled": True}})
        parts, _ = setup("agents", "--no-encryption", where=aws.url)
        equal("encryption" in parts, False)


def test_expiry_that_is_in_the_way(store: Bare):
    for state, outcome in (("ENABLING", "present"), ("DISABLING", "skipped")):
        with StandIn(DescribeTable=[table(index(1), index(2))], DescribeContinuousBackups=[RECOVERY_ON],
                     DescribeTimeToLive=[{"TimeToLiveDescription": {"TimeToLiveStatus": state,
                                                                    "AttributeName": "ttl"}}]) as aws:
            equal(setup("agents", where=aws.url)[0]["ttl"], outcome)
            equal(aws.sent("UpdateTimeToLive"), [])


def test_what_is_not_allowed(store: Bare):
    denied = error("AccessDeniedException", "User: arn:aws:iam::1:user/a is not authorized to perform: dynamodb:X")
    with StandIn(DescribeTable=[denied]) as aws:
        setup_fails(8, "is not authorized to perform", "agents", where=aws.url)
    with StandIn(DescribeTable=[table(index(1), index(2))], DescribeTimeToLive=[TTL_ON],
                 DescribeContinuousBackups=[denied]) as aws:
        setup_fails(8, "DescribeContinuousBackups", "agents", where=aws.url)


# dynamodb-template

def template(*words):
    code, out, err = run("dynamodb-template", "--table", "agents", *words)
    equal((code, err), (0, ""))
    return out


def yaml(text):
    """As much YAML as the template has: maps and lists by indentation, plain and single-quoted texts."""
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines()
             if line.strip() and not line.startswith("#")]

    def value(word):
        if word.startswith("'"):
            equal(word[-1], "'")
            return word[1:-1].replace("''", "'")
        return {"true": True, "false": False}.get(word, word)

    def block(at, indent):
        if lines[at][1].startswith("- "):
            result = []
            while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- "):
                lines[at] = (indent + 2, lines[at][1][2:])
                one, at = block(at, indent + 2)
                result.append(one)
            return result, at
        result = {}
        while at < len(lines) and lines[at][0] == indent and not lines[at][1].startswith("- "):
            name, _, word = lines[at][1].partition(": ")
            at += 1
            if word:
                result[name] = value(word)
            else:
                result[name.rstrip(":")], at = block(at, lines[at][0])
        return result, at

    parsed, end = block(0, 0)
    equal(end, len(lines))
    return parsed


def requests_of(*words):
    """The bodies that dynamodb-setup sends to make such a table, by operation."""
    made = table(*(index(number) for number in range(1, 8)))
    with StandIn(DescribeTable=[error("ResourceNotFoundException"), made], CreateTable=[{}], UpdateTimeToLive=[{}],
                 DescribeTimeToLive=[{}], DescribeContinuousBackups=[{}], UpdateContinuousBackups=[{}]) as aws:
        setup("agents", *words, where=aws.url)
    return dict(aws.requests)


VARIANTS = ((), ("--indexes", "7"), ("--indexes", "3", "--ttl", "it's"),
            ("--ttl", "", "--no-recovery", "--no-encryption"))


def test_cloudformation_is_what_setup_makes(store: Bare):
    for words in VARIANTS:
        parsed = yaml(template(*words))
        resource = parsed["Resources"]["MastraSingleTable"]
        equal(resource["Type"], "AWS::DynamoDB::Table")
        properties = resource["Properties"]
        sent = requests_of(*words)
        wanted = dict(sent["CreateTable"])
        if "SSESpecification" in wanted:
            # CloudFormation's own name for it.
            wanted["SSESpecification"] = {"SSEEnabled": wanted["SSESpecification"]["Enabled"]}
        for operation, member in (("UpdateTimeToLive", "TimeToLiveSpecification"),
                                  ("UpdateContinuousBackups", "PointInTimeRecoverySpecification")):
            if operation in sent:
                wanted[member] = sent[operation][member]
        equal(properties, wanted)


def test_the_cdk_makes_the_same(store: Bare):
    for words in VARIANTS:
        text = template("--format", "cdk", *words)
        sent = requests_of(*words)
        create = sent["CreateTable"]
        keys = re.findall(r"partitionKey: \{ name: '(\w+)', type: dynamodb.AttributeType.STRING \},\s+"
                          r"sortKey: \{ name: '(\w+)', type: dynamodb.AttributeType.STRING \},", text)
        indexes = create["GlobalSecondaryIndexes"]
        equal([list(pair) for pair in keys],
              [[key["AttributeName"] for key in one["KeySchema"]] for one in (create, *indexes)])
        equal(re.findall(r"indexName: '(\w+)'", text), [one["IndexName"] for one in indexes])
        equal(text.count("projectionType: dynamodb.ProjectionType.ALL"), len(indexes))
        contains(text, f"tableName: '{create['TableName']}'",
                 f"billingMode: dynamodb.BillingMode.{create['BillingMode']}")
        equal("pointInTimeRecovery: true" in text, "UpdateContinuousBackups" in sent)
        equal("encryption: dynamodb.TableEncryption.AWS_MANAGED" in text, "SSESpecification" in create)
        ttl = re.search(r"timeToLiveAttribute: '(.*)',\n", text)
        equal(ttl and ttl[1].replace("\\'", "'"),
              sent.get("UpdateTimeToLive", {}).get("TimeToLiveSpecification", {}).get("AttributeName"))


# Usage

def test_wrong_usage(store: Bare):
    fails(2, "give --table NAME", "dynamodb-setup")
    fails(2, "give --table NAME", "dynamodb-template")
    fails(3, "--indexes must be 2 to 7", "dynamodb-template", "--table", "agents", "--indexes", "8")
    fails(3, "--indexes must be 2 to 7", "dynamodb-setup", "--table", "agents", "--indexes", "0")
    fails(3, 'format must be cloudformation or cdk, got "terraform"', "dynamodb-template", "--table", "agents",
          "--format", "terraform")
    for name in ("ab", "a b c", "x" * 256, "täble"):
        fails(3, "table must have 3 to 255 letters", "dynamodb-template", "--table", name)
    for name in ("pk", "gsi3sk", "title", "mastra_rev", "__edb_e__", "threadId"):
        fails(3, f'ttl_attribute is an attribute that means something else, got "{name}"', "dynamodb-template",
              "--table", "agents", "--ttl", name)
    fails(3, "region must be the name of a region", "dynamodb-setup", "--table", "agents", "--region", "Mars!")
    fails(3, "endpoint must be a URL", "dynamodb-setup", "--table", "agents", "--region", "us-east-1", "--endpoint",
          "localhost:8000")


# init

def url_of(name):
    return f"dynamodb://us-east-1/{name}?endpoint={endpoint()}"


def init_fails(code, message, name):
    got, out, err = run("--store", url_of(name), "init", env=KEYS)
    equal((got, out), (code, ""))
    equal(err.count("\n"), 1)
    contains(err, *message)


def test_init_says_what_is_missing(store: Bare):
    name = new_name()
    command = f"mastra-store dynamodb-setup --table {name} --region us-east-1 --endpoint {endpoint()}"
    init_fails(6, (f'there is no DynamoDB table "{name}"', command), name)
    make(name, AttributeDefinitions=definitions(0, 2), GlobalSecondaryIndexes=[
        {"IndexName": "gsi2", "KeySchema": key_schema(2), "Projection": {"ProjectionType": "ALL"}}])
    init_fails(6, ("lacks its index gsi1;", command), name)
    # The command that it names mends it.
    code, _, err = run(*command.split()[1:], "--quiet", env=KEYS)
    equal((code, err), (0, ""))
    equal(run("--store", url_of(name), "init", env=KEYS)[0], 0)
    equal(run("--store", url_of(name), "init", env=KEYS)[1], f"ready: {url_of(name)}\n")


def test_init_on_a_table_of_others(store: Bare):
    name = new_name()
    ask("CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
                        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]})
    init_fails(6, ("its key is not pk (HASH) and sk (RANGE)",), name)


# Indexes of a store

def call(name, operation, args):
    code, out, err = run("--store", url_of(name), "call", operation, "-", stdin=json.dumps(args), env=KEYS)
    equal((code, err), (0, ""))
    return json.loads(out)


def eventually(look, is_good):
    """What is seen once it is good: the service makes and drops indexes in its own time, and the test's limit ends it."""
    while True:
        seen = look()
        if is_good(seen):
            return seen
        time.sleep(0.05)


def test_indexes_of_a_store(store: Bare):
    name = new_name()
    setup(name)
    listed = call(name, "listIndexes", {})
    equal([(one["name"], one["table"], one["columns"], one["unique"]) for one in listed],
          [("gsi1", name, ["gsi1pk", "gsi1sk"], False), ("gsi2", name, ["gsi2pk", "gsi2sk"], False)])
    contains(listed[0]["definition"], "mastra_threads (resourceId, createdAt)", "mastra_messages (thread_id, createdAt)",
             "mastra_scorers (scorerId, createdAt)")
    equal([one["name"] for one in call(name, "listIndexes", "mastra_threads")], ["gsi1"])
    equal([one["name"] for one in call(name, "listIndexes", "mastra_workflow_snapshot")], ["gsi2"])
    equal(call(name, "listIndexes", "mastra_resources"), [])
    # A wish that an index serves already.
    wish = {"name": "threads", "table": "mastra_threads", "columns": ["resourceId", "createdAt DESC"]}
    equal(call(name, "createIndex", wish), None)
    # One whose index is missing.
    wish = {"name": "scores", "table": "mastra_scorers", "columns": ["traceId", "spanId"]}
    equal(call(name, "createIndex", wish), None)
    found = eventually(lambda: call(name, "describeIndex", "gsi7"), lambda index: index["status"] == "ACTIVE")
    equal(found["method"], "gsi")
    contains(found["definition"], "mastra_scorers (traceId, spanId, createdAt)")
    found = call(name, "describeIndex", "gsi1")
    equal((found["items"], found["size"]), (0, "0 bytes"))
    equal(call(name, "dropIndex", "gsi7"), None)
    eventually(lambda: [one["name"] for one in call(name, "listIndexes", {})], lambda names: names == ["gsi1", "gsi2"])
    equal(call(name, "dropIndex", "gsi7"), None)
    equal(call(name, "dropIndex", "another"), None)


def test_indexes_that_cannot_be(store: Bare):
    name = new_name()
    setup(name)

    def refused(message, operation, args):
        fails(2, message, "--store", url_of(name), "call", operation, json.dumps(args), env=KEYS)

    refused("gsi1 serves lists", "dropIndex", "gsi1")
    wish = {"name": "i", "table": "mastra_threads", "columns": ["title"]}
    refused("on mastra_threads there can be resourceId, createdAt (gsi1)", "createIndex", wish)
    refused("none is unique", "createIndex", {**wish, "columns": ["resourceId"], "unique": True})
    refused("traceId, spanId, createdAt (gsi7)", "createIndex",
            {"name": "i", "table": "mastra_scorers", "columns": ["spanId"]})
    refused("on mastra_resources there can be none", "createIndex",
            {"name": "i", "table": "mastra_resources", "columns": ["metadata"]})


class Slow(StandIn):
    """Six empty pages of a table, each of which takes its time."""

    def answer(self, operation, body):
        answer = super().answer(operation, body)
        if operation != "Scan":
            return answer
        time.sleep(1)
        page = int(body.get("ExclusiveStartKey", {"pk": {"S": "1"}})["pk"]["S"])
        last = {"LastEvaluatedKey": {"pk": {"S": str(page + 1)}, "sk": {"S": "s"}}} if page < 6 else {}
        return 200, {"Items": [], "Count": 0, **last}


def test_a_table_that_takes_long_to_read(store: Bare):
    """The time of a request is that of each page, not of all."""
    with Slow(DescribeTable=[table(index(1), index(2))], Scan=[{}]) as aws:
        url = f"dynamodb://us-east-1/agents?endpoint={aws.url}&timeoutMillis=5000"
        for page in ({}, {"perPage": 0}):
            code, out, err = run("--store", url, "call", "listThreads", json.dumps(page), env=KEYS)
            equal((code, err), (0, ""))
            equal(json.loads(out)["total"], 0)
        equal([body.get("Select") for body in aws.sent("Scan")], [None] * 6 + ["COUNT"] * 6)


main(globals())
