"""The way in: TLS, SNI, the start-up packet, the token."""

import collections
import socket
import ssl
import threading
import time

from iam import Denied, verify
from wire import NUMBER, Frames, Gone, SqlError, frame

VERSION = 196608
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
PATIENCE = 120
# What a client may ask for when it starts; anything else is not known to be understood.
PARAMETERS = {"user", "database", "application_name", "client_encoding", "datestyle", "timezone", "extra_float_digits"}
NOBODY = "unable to accept connection, access denied"


def fatal(state, message, **more):
    return SqlError(state, message, "FATAL", **more)


class Gate:
    """How many connections there are, and how fast they come: a bucket of tokens, filled steadily."""

    def __init__(self, settings):
        self.settings = settings
        self.lock = threading.Lock()
        self.fill()

    def fill(self):
        self.level = float(self.settings["burst"])
        self.at = time.monotonic()

    def enter(self, count):
        with self.lock:
            now = time.monotonic()
            self.level = min(float(self.settings["burst"]), self.level + (now - self.at) * self.settings["rate"])
            self.at = now
            if self.level < 1:
                raise fatal("53400", "Unable to accept connection, rate exceeded.")
            self.level -= 1
        if count > self.settings["connections"]:
            raise fatal("53300", "Unable to accept connection, too many open connections.")


def contexts(certificate, key, hosts):
    """The TLS contexts for the two ways to begin; they note the name that the client asked for."""

    def note(wrapped, name, _context):
        wrapped.asked_name = name

    made = []
    for _ in range(2):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        context.sni_callback = note
        made.append(context)
    made[1].set_alpn_protocols(["postgresql"])
    return made


def exactly(source, count):
    data = b""
    while len(data) < count:
        piece = source.recv(count - len(data))
        if not piece:
            raise Gone("the client left before it began")
        data += piece
    return data


def packet(source):
    """A packet without a type, as they come first."""
    size = NUMBER.unpack(exactly(source, 4))[0]
    if not 8 <= size <= 65536:
        raise Gone("no start-up packet")
    return exactly(source, size - 4)


def secured(plain, pair):
    """TLS over the socket, however the client begins it; what is not TLS is told so."""
    plain.settimeout(PATIENCE)
    first = plain.recv(1, socket.MSG_PEEK)
    if not first:
        raise Gone("the client left before it began")
    if first == b"\x16":
        wrapped = wrap(pair[1], plain)
        if wrapped.selected_alpn_protocol() != "postgresql":
            raise Gone("direct TLS without its protocol's name")
        return wrapped
    while True:
        code = NUMBER.unpack_from(packet(plain))[0]
        if code == SSL_REQUEST:
            plain.sendall(b"S")
            return wrap(pair[0], plain)
        if code == CANCEL_REQUEST:
            raise Gone("a request to cancel without TLS")
        if code != GSS_REQUEST:
            plain.sendall(fatal("08004", "unable to accept connection, SSL is required").frame())
            raise Gone("a plain start")
        plain.sendall(b"N")


def wrap(context, plain):
    try:
        return context.wrap_socket(plain, server_side=True)
    except (OSError, ssl.SSLError) as error:
        raise Gone(f"no TLS: {error}") from error


Start = collections.namedtuple("Start", "user application settings key")


def admit(client, double, ask_password=True):
    """Checks everything that is known before the first statement; raises SqlError or Gone."""
    raw = packet(client)
    code = NUMBER.unpack_from(raw)[0]
    if code == CANCEL_REQUEST:
        raise Gone("a request to cancel")
    if code != VERSION:
        raise fatal("08P01", f"unsupported protocol version {code >> 16}.{code & 0xFFFF}")
    parts = raw[4:].split(b"\0")
    pairs = {n.decode().lower(): v.decode() for n, v in zip(parts[0::2], parts[1::2]) if n}
    name = getattr(client, "asked_name", None)
    if not name:
        raise fatal("08004", "unable to accept connection, sni was not received")
    if name not in double.names:
        raise fatal("28000", NOBODY)
    double.pace.enter(double.count("connections"))
    if double.settings["sleeping"]:
        raise fatal("57P03", "unable to accept connection, waking up cluster, please retry later")
    unknown = sorted(n for n in pairs if n not in PARAMETERS and not n.startswith("_pq_."))
    if unknown:
        raise fatal("0A000", f"unsupported startup parameter: {unknown[0]}")
    user = pairs.get("user", "")
    key = check_password(client, double, double.names[name], user)
    if pairs.get("database", user) != "postgres":
        raise fatal("3D000", f"database \"{pairs.get('database', user)}\" does not exist")
    if pairs.get("client_encoding", "UTF8").upper().replace("-", "") not in ("UTF8", "UNICODE"):
        raise fatal("0A000", f"unsupported client encoding: {pairs['client_encoding']}")
    settings = [(n, pairs[n]) for n in ("datestyle", "timezone", "extra_float_digits") if n in pairs]
    return Start(user, pairs.get("application_name"), settings, key)


def check_password(client, double, host, user):
    client.sendall(frame(b"R", NUMBER.pack(3)))
    frames, messages = Frames(65536), []
    while not messages:
        data = client.recv(65536)
        if not data:
            raise Gone("the client left without a password")
        messages = frames.feed(data)
    if messages[0][:1] != b"p":
        raise fatal("08P01", "expected password response")
    token = messages[0][5:-1].decode(errors="replace")
    try:
        key = verify(token, host, user, double.settings["region"], double.keys, double.now())
        double.check_role(user, key)
        return key
    except Denied as denied:
        double.note("denied", f"{user}: {denied}")
        raise fatal("28000", NOBODY, **({"H": denied.hint} if denied.hint else {})) from denied
