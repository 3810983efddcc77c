#!/usr/bin/env python3
"""Tests of the commands about AWS credentials: test_aws.py PATH/TO/mastra-store"""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import time
import urllib.parse

from support import COMMAND, contains, equal, golden, main

HERE = os.path.dirname(os.path.abspath(__file__))
ENDPOINT = os.path.join(os.path.dirname(HERE), "support/aws-endpoint")
# Nothing of the machine's own.
BARE = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
STATIC = {"AWS_ACCESS_KEY_ID": "AKIDENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "secret-of-the-environment"}
HOST = "abc123.dsql.us-east-1.on.aws"


class Bare:
    """A folder, and no store."""

    def __init__(self, folder):
        self.folder = folder


def run(*args, **env):
    keep = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    done = subprocess.run([COMMAND, *args], capture_output=True, env={**BARE, **keep, **env}, text=True, timeout=300,
                          check=False)
    for secret in ("secret-of", "token-of"):
        if secret in done.stderr or (secret in done.stdout and args[0] != "dsql-token"):
            raise AssertionError(f"a secret is told: {done}")
    return done.returncode, done.stdout, done.stderr


def output(*args, **env):
    code, out, err = run(*args, **env)
    equal((code, err), (0, ""))
    return out


def fails(code, message, *args, **env):
    got, out, err = run(*args, **env)
    equal((got, out), (code, ""))
    equal(err.count("\n"), 1)
    contains(err, message)


class Endpoint:
    """The services of AWS, as long as the block lasts."""

    def __enter__(self):
        self.process = subprocess.Popen([ENDPOINT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:" + self.process.stdout.readline().strip()
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def load_endpoint():
    loader = importlib.machinery.SourceFileLoader("aws_endpoint", ENDPOINT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("aws_endpoint", loader))
    loader.exec_module(module)
    return module


def check_token(token, host, region, action, secret, session_token=None, expires=900):
    """Verifies a token as the service does, with nothing of the code under test."""
    aws = load_endpoint()
    before, _, query = token.rstrip("\n").partition("/?")
    equal(before, host)
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    values = dict(pairs)
    equal(len(values), len(pairs))
    equal([name for name, _ in pairs], sorted(values))
    signature = values.pop("X-Amz-Signature")
    date = values["X-Amz-Date"]
    scope = f"{date[:8]}/{region}/dsql/aws4_request"
    equal(values["Action"], action)
    equal(values["X-Amz-Expires"], str(expires))
    equal(values.get("X-Amz-Security-Token"), session_token)
    contains(values["X-Amz-Credential"], "/" + scope)
    sent = time.mktime(time.strptime(date, "%Y%m%dT%H%M%SZ")) - time.timezone
    equal(abs(sent - time.time()) < 120, True)
    canonical = "\n".join(["GET", "/", "&".join(f"{aws.quote(k)}={aws.quote(v)}" for k, v in sorted(values.items())),
                           f"host:{host}", "", "host", aws.sha256(b"")])
    key = ("AWS4" + secret).encode()
    for part in (*scope.split("/"), "\n".join(["AWS4-HMAC-SHA256", date, scope, aws.sha256(canonical.encode())])):
        key = aws.sign(key, part)
    equal(signature, key.hex())


# dsql-token

def test_token(store: Bare):
    token = output("dsql-token", "--host", HOST, **STATIC)
    equal(token.count("\n"), 1)
    check_token(token, HOST, "us-east-1", "DbConnectAdmin", STATIC["AWS_SECRET_ACCESS_KEY"])
    token = output("dsql-token", f"--host={HOST}", "--user", "app", "--region", "eu-west-1", "--expires", "604800",
                   AWS_SESSION_TOKEN="token-of+/=&%", AWS_REGION="us-east-2", **STATIC)
    check_token(token, HOST, "eu-west-1", "DbConnect", STATIC["AWS_SECRET_ACCESS_KEY"], "token-of+/=&%", 604800)


def test_host_of_a_token(store: Bare):
    full = "4iabtwnq2j55iez4j4bkykghgm.dsql.us-west-2.on.aws"
    secret = STATIC["AWS_SECRET_ACCESS_KEY"]
    check_token(output("dsql-token", "--host", full.split(".")[0], AWS_REGION="us-west-2", **STATIC),
                full, "us-west-2", "DbConnectAdmin", secret)
    check_token(output("dsql-token", "--host", "db.example.com", AWS_DEFAULT_REGION="ap-south-1", **STATIC),
                "db.example.com", "ap-south-1", "DbConnectAdmin", secret)
    check_token(output("dsql-token", "--host", "x.dsql-gamma.us-east-2.on.aws", AWS_REGION="eu-west-1", **STATIC),
                "x.dsql-gamma.us-east-2.on.aws", "us-east-2", "DbConnectAdmin", secret)
    check_token(output("dsql-token", "--host", "ABC.dsql.us-east-1.on.aws", **STATIC),
                "ABC.dsql.us-east-1.on.aws", "us-east-1", "DbConnectAdmin", secret)


def test_token_of_a_profile(store: Bare):
    config = os.path.join(store.folder, "config")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[profile app]\nregion = eu-north-1\naws_access_key_id = AKIDPROFILE\n"
                   "aws_secret_access_key = secret-of-the-profile\n")
    check_token(output("dsql-token", "--host", "abc", "--profile", "app", AWS_CONFIG_FILE=config, **STATIC),
                "abc.dsql.eu-north-1.on.aws", "eu-north-1", "DbConnectAdmin", "secret-of-the-profile")


def test_token_refused(store: Bare):
    fails(2, "dsql-token needs --host", "dsql-token", **STATIC)
    fails(2, "unexpected argument", "dsql-token", HOST, **STATIC)
    fails(3, "region must be given", "dsql-token", "--host", "abc", **STATIC)
    for host in ("", "a:5432", "https://a", "a/b", ".a", "a.", "a b"):
        fails(3, "host must be", "dsql-token", "--host", host, **STATIC)
    for region in ("US", "a_b", "a.b"):
        fails(3, f'got "{region}"', "dsql-token", "--host", HOST, "--region", region, **STATIC)
    fails(3, "user must not be empty", "dsql-token", "--host", HOST, "--user", "", **STATIC)
    fails(3, "--expires must be 1 to 604800", "dsql-token", "--host", HOST, "--expires", "0", **STATIC)
    fails(3, 'expires must be 1 to 604800 seconds (one week), got "604801"', "dsql-token", "--host", HOST,
          "--expires", "604801", **STATIC)
    fails(2, "--expires must be a whole number", "dsql-token", "--host", HOST, "--expires", "-1", **STATIC)
    fails(8, "none found", "dsql-token", "--host", HOST)


# aws-whoami

def test_whoami(store: Bare):
    golden("aws-whoami", output("aws-whoami", AWS_REGION="eu-west-1", AWS_ACCOUNT_ID="123456789012",
                                AWS_CREDENTIAL_EXPIRATION="2999-01-02T03:04:05Z", **STATIC))
    golden("aws-whoami-bare", output("aws-whoami", **STATIC))
    equal(json.loads(output("aws-whoami", "--json", "--region", "eu-west-1", AWS_ACCOUNT_ID="123456789012",
                            AWS_CREDENTIAL_EXPIRATION="2999-01-02T03:04:05Z", **STATIC)),
          {"source": "environment", "accessKeyId": "****MENT", "accountId": "123456789012", "region": "eu-west-1",
           "expiration": "2999-01-02T03:04:05Z"})
    equal(json.loads(output("aws-whoami", "--json", **STATIC)),
          {"source": "environment", "accessKeyId": "****MENT", "accountId": None, "region": None, "expiration": None})


def test_whoami_of_a_role(store: Bare):
    config = os.path.join(store.folder, "config")
    role = "arn:aws:iam::123456789012:role/plain"
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"[profile app]\nrole_arn = {role}\ncredential_source = Environment\n")
    with Endpoint() as endpoint:
        env = {"AWS_CONFIG_FILE": config, "AWS_ENDPOINT_URL_STS": endpoint.url + "/sts", **STATIC}
        told = json.loads(output("aws-whoami", "--json", "--profile", "app", **env))
        equal(told["source"], f'profile "app": role {role}')
        equal(told["accessKeyId"], "****LAIN")
        equal(json.loads(output("aws-whoami", "--json", **env))["source"], "environment")
        token = output("dsql-token", "--host", HOST, AWS_PROFILE="app", **env)
        check_token(token, HOST, "us-east-1", "DbConnectAdmin", "secret-of-role-plain", "token-of-role-plain+/=")


def test_whoami_finds_nobody(store: Bare):
    code, out, err = run("aws-whoami")
    equal((code, out), (8, ""))
    golden("aws-whoami-nobody", err)
    fails(8, 'there is no profile "x"', "aws-whoami", "--profile", "x", **STATIC)
    fails(2, "aws-whoami has no option --host", "aws-whoami", "--host", "x", **STATIC)


main(globals())
