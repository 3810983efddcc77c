"""Who may connect: tokens checked by code of its own, written from the description of the signature."""

import calendar
import hashlib
import hmac
import re
import time

EMPTY = hashlib.sha256(b"").hexdigest()
AHEAD = 300  # seconds that a client's clock may be ahead of ours
WEEK = 604800
NAMES = {"Action", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token",
         "X-Amz-Signature", "X-Amz-SignedHeaders"}
UNRESERVED = re.compile(rb"[A-Za-z0-9\-._~]")
ENCODED = re.compile(r"(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*")


class Denied(Exception):
    """The message is for the log; `hint`, when there is one, is for the client."""

    def __init__(self, reason, hint=None):
        super().__init__(reason)
        self.hint = hint


class Key:
    """An access key: its secret, its session token, what it may do and as whom it is known."""

    def __init__(self, secret, session=None, actions=("DbConnect", "DbConnectAdmin"),
                 arn="arn:aws:iam::111122223333:role/tests", expires=None):
        self.secret = secret
        self.session = session or None
        self.actions = set(actions)
        self.arn = arn
        self.expires = expires  # seconds since the epoch, of temporary credentials


def decoded(value):
    """Percent decoding that takes only what an exact encoder writes."""
    if not ENCODED.fullmatch(value):
        raise Denied(f"badly encoded: {value[:40]}")
    data = re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), value.encode())
    if encoded(data) != value:
        raise Denied(f"encoded without need: {value[:40]}")
    return data.decode(errors="replace")


def encoded(data):
    return "".join(chr(b) if UNRESERVED.match(bytes([b])) else f"%{b:02X}" for b in data)


def seconds_of(stamp):
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise Denied(f"a date that is none: {stamp[:20]}")
    try:
        return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise Denied(f"a date that is none: {stamp}") from error


def fields_of(query):
    """The parameters as they stand, each once, sorted by name as the signer writes them."""
    pairs = []
    for part in query.split("&"):
        name, mark, value = part.partition("=")
        if not mark or name not in NAMES:
            raise Denied(f"an unknown parameter: {name[:40]}")
        pairs.append((name, value))
    names = [name for name, _ in pairs]
    if names != sorted(set(names)):
        raise Denied("parameters are not sorted, or come twice")
    missing = NAMES - set(names) - {"X-Amz-Security-Token"}
    if missing:
        raise Denied(f"without {', '.join(sorted(missing))}")
    return dict(pairs)


def signature_of(fields, host, secret):
    """Computes the signature anew."""
    scope = decoded(fields["X-Amz-Credential"]).split("/")[1:]
    query = "&".join(f"{n}={v}" for n, v in sorted(fields.items()) if n != "X-Amz-Signature")
    canonical = "\n".join(["GET", "/", query, f"host:{host}", "", "host", EMPTY])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", fields["X-Amz-Date"], "/".join(scope),
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in [*scope, to_sign]:
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def check_times(fields, key, now):
    begin = seconds_of(fields["X-Amz-Date"])
    if not re.fullmatch(r"[1-9]\d{0,6}", fields["X-Amz-Expires"]) or int(fields["X-Amz-Expires"]) > WEEK:
        raise Denied(f"a life of {fields['X-Amz-Expires'][:20]} seconds")
    end = begin + int(fields["X-Amz-Expires"])
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    if begin > now + AHEAD:
        raise Denied("from the future", f"Signature not yet current: {fields['X-Amz-Date']} is still later than {stamp}")
    if now >= end:
        until = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(end))
        raise Denied("expired", f"Signature expired: {until} is now earlier than {stamp}")
    if key.expires is not None and now >= key.expires:
        raise Denied("the credentials expired")


def verify(token, host, user, region, keys, now):
    """Gives the key that signed the token, or raises Denied."""
    place, mark, query = token.partition("/?")
    if not mark:
        raise Denied("not a token")
    if place != host:
        raise Denied(f"a token for {place[:80]}, and not for {host}")
    fields = fields_of(query)
    action = "DbConnectAdmin" if user == "admin" else "DbConnect"
    if fields["Action"] != action:
        raise Denied(f"the action {fields['Action'][:40]} for the user {user}")
    if fields["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256" or fields["X-Amz-SignedHeaders"] != "host":
        raise Denied("another algorithm or other signed headers")
    scope = decoded(fields["X-Amz-Credential"]).split("/")
    if len(scope) != 5 or scope[1:] != [fields["X-Amz-Date"][:8], region, "dsql", "aws4_request"]:
        raise Denied(f"the scope {'/'.join(scope[1:])[:80]}")
    key = keys.get(scope[0])
    if not key:
        raise Denied(f"the unknown access key {scope[0][:40]}")
    if action not in key.actions:
        raise Denied(f"the key {scope[0]} may not {action}")
    session = fields.get("X-Amz-Security-Token")
    if (decoded(session) if session is not None else None) != key.session:
        raise Denied("another session token than the key's")
    if not hmac.compare_digest(signature_of(fields, host, key.secret), fields["X-Amz-Signature"]):
        raise Denied("a wrong signature")
    check_times(fields, key, now)
    return key
