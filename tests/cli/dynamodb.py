"""The DynamoDB Local of this run of the tests, asked from behind, and endpoints that stand in for AWS's."""

import http.server
import json
import os
import socket
import subprocess
import threading
import urllib.error
import urllib.request
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(os.path.dirname(HERE), "support")
ROOT = os.path.dirname(os.path.dirname(HERE))
MISSING = 77
PREFIX = "com.amazonaws.dynamodb.v20120810#"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDOFTHETESTS", "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
        "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}


def facts_of(process):
    """The lines NAME=VALUE that a server of ours prints when it is ready."""
    facts = {}
    for line in process.stdout:
        if line == "\n":
            break
        name, value = line.rstrip("\n").split("=", 1)
        facts[name] = value
    return facts


def endpoint():
    """That of the server of this run of the tests; one of our own, until we end, when there is none."""
    if "MASTRA_TEST_DYNAMODB" not in os.environ:
        child = subprocess.Popen([os.path.join(SUPPORT, "dynamodb-server")], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        os.environ.update(facts_of(child))
        if "MASTRA_TEST_DYNAMODB" not in os.environ:
            print("there is no DynamoDB Local")
            raise SystemExit(MISSING)
        endpoint.child = child
    return os.environ["MASTRA_TEST_DYNAMODB"]


def ask(operation, body, where=None):
    """An answer of the service; errors raise AssertionError with their name. DynamoDB Local takes any signature."""
    request = urllib.request.Request((where or endpoint()) + "/", json.dumps(body).encode(), {
        "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810." + operation,
        "x-amz-date": "20250101T000000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=" + KEYS["AWS_ACCESS_KEY_ID"] +
                         "/20250101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"})
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from error


class Proxy:
    """The proxy of the tests before the server, as long as the block lasts."""

    def __enter__(self):
        self.process = subprocess.Popen([os.path.join(SUPPORT, "dynamodb-proxy"), endpoint()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = facts_of(self.process)["MASTRA_TEST_DYNAMODB_PROXY"]
        return self

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        return answer if answer == "ok" else json.loads(answer)

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Dynalite:
    """Another server that speaks like DynamoDB, as long as the block lasts. It makes tables and indexes slowly, and knows
    neither time to live nor backups."""

    def __enter__(self):
        subprocess.run([os.path.join(ROOT, "scripts/fetch-peers"), "tests/interop"], check=True, stdout=subprocess.DEVNULL)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [os.path.join(ROOT, "scripts/node"), os.path.join(ROOT, "tests/interop/node_modules/dynalite/cli.js"),
             "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "200", "--updateTableMs", "200"],
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split(" at: ")[1].strip()
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def error(code, message="says the stand-in"):
    return 400, {"__type": PREFIX + code, "message": message}


class StandIn:
    """What AWS documents and no local server does: each operation's answers, one after another, the last for good. An
    answer is a JSON object, or (status, object). Requests are kept as (operation, body)."""

    def __init__(self, **answers):
        self.answers = {operation: list(those) for operation, those in answers.items()}
        self.requests = []

    def answer(self, operation, body):
        self.requests.append((operation, body))
        left = self.answers.get(operation)
        if not left:
            return error("UnknownOperationException")
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer if isinstance(answer, tuple) else (200, answer)

    def sent(self, operation):
        return [body for name, body in self.requests if name == operation]

    def __enter__(self):
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = stand_in.answer(self.headers["x-amz-target"].split(".")[1], body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("x-amz-crc32", str(zlib.crc32(text)))
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()


def key_schema(number):
    name = f"gsi{number}" if number else ""
    return [{"AttributeName": name + "pk", "KeyType": "HASH"}, {"AttributeName": name + "sk", "KeyType": "RANGE"}]


def definitions(*numbers):
    return [{"AttributeName": key["AttributeName"], "AttributeType": "S"}
            for number in numbers for key in key_schema(number)]


def index(number, status="ACTIVE", **more):
    return {"IndexName": f"gsi{number}", "KeySchema": key_schema(number), "Projection": {"ProjectionType": "ALL"},
            "IndexStatus": status, "ItemCount": 12 * number, "IndexSizeBytes": 100000 * number, **more}


def table(*indexes, status="ACTIVE", **more):
    """What DescribeTable tells of a table with these."""
    numbers = [int(found["IndexName"][3:]) for found in indexes]
    return {"Table": {"TableName": "agents", "TableStatus": status, "KeySchema": key_schema(0),
                      "AttributeDefinitions": definitions(0, *numbers), "GlobalSecondaryIndexes": list(indexes),
                      "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS"}, **more}}
