"""Judges statements: what is not known to be taken by the service's narrow subset is refused."""

import functools

import tables
from tokens import Reader, split, tokens_of
from wire import SqlError

# Kinds. READ and WRITE are queries; LOCK is a SELECT FOR UPDATE.
BEGIN, COMMIT, ROLLBACK, READ, LOCK, WRITE, DDL, INDEX, IAM, WAIT, SESSION, EMPTY = range(12)

# Parameters that a session may set.
PARAMETERS = {"search_path", "timezone", "datestyle", "intervalstyle", "extra_float_digits", "client_encoding",
              "application_name", "standard_conforming_strings", "client_min_messages"}
SYSTEM_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
# Of the functions that begin with pg_ and their like, only those that read the catalogue.
CATALOGUE = {"pg_get_indexdef", "pg_get_constraintdef", "pg_get_expr", "pg_get_viewdef", "pg_get_userbyid",
             "pg_table_is_visible", "pg_typeof", "pg_column_size", "pg_encoding_to_char", "pg_backend_pid",
             "pg_is_in_recovery"}
SIZES = {"pg_total_relation_size", "pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_database_size",
         "pg_size_pretty"}
PREFIXES = ("pg_", "double_", "lo_", "txid_", "dblink", "currval", "nextval", "setval", "lastval", "set_config",
            "loread", "lowrite", "has_server", "query_to", "table_to", "schema_to", "database_to", "cursor_to")
NODES = {"truncate": "Truncate", "savepoint": "Savepoint", "release": "ReleaseSavepoint", "lock": "Lock",
         "copy": "Copy", "listen": "Listen", "notify": "Notify", "unlisten": "Unlisten", "do": "Do",
         "vacuum": "Vacuum", "cluster": "Cluster", "reindex": "Reindex", "checkpoint": "Checkpoint", "load": "Load",
         "declare": "DeclareCursor", "fetch": "Fetch", "move": "Move", "close": "ClosePortal", "merge": "Merge",
         "prepare": "Prepare", "execute": "Execute", "discard": "Discard", "analyze": "Analyze",
         "comment": "Comment", "import": "ImportForeignSchema", "security": "SecLabel", "refresh": "RefreshMatView",
         "abort": "Abort", "end": "End", "reset": "Reset", "reassign": "ReassignOwned", "table": "Table"}


class Statement:
    __slots__ = ("kind", "sql", "index", "lock", "words", "rewritten", "tokens", "read_only")

    def __init__(self, kind, sql, words=()):
        self.kind = kind
        self.sql = sql
        self.words = words
        self.index = None
        self.lock = None
        self.rewritten = False
        self.tokens = ()
        self.read_only = False


def refused(node):
    return SqlError("0A000", f"unsupported statement: {node}")


@functools.lru_cache(maxsize=20000)
def judgement(sql, sizes, modifying):
    """The statements, or the error that the first refused one gives: both are remembered."""
    try:
        parts = [part for part in split(tokens_of(sql)) if part]
        return [one(part, sql, sizes, modifying) for part in parts]
    except SqlError as error:
        return error


def judge(sql, settings):
    """The statements of a text; raises SqlError where one is refused."""
    found = judgement(sql, settings["statistics"], settings["modifying_with"])
    if isinstance(found, SqlError):
        raise found
    return found


def one(part, sql, sizes, modifying):
    begin, end = part[0].begin, part[-1].end
    reader = Reader(part, sql)
    first = reader.word()
    if part[0].kind == "sign" and part[0].text == "(":
        first = "select"
    act = ACTS.get(first)
    if not act:
        if first in NODES:
            raise refused(NODES[first])
        reader.fail()
    check_anywhere(part, sizes)
    edits = []
    statement = act(reader, edits, modifying)
    statement.tokens = part
    statement.sql = sql[begin:end]
    for place, more in reversed(edits):
        statement.sql = statement.sql[:place - begin] + more + statement.sql[place - begin:]
        statement.rewritten = True
    return statement


def check_anywhere(part, sizes):
    """What is refused wherever it stands."""
    for i, token in enumerate(part):
        if not token.is_name():
            continue
        name = token.text
        called = i + 1 < len(part) and part[i + 1].kind == "sign" and part[i + 1].text == "("
        if called:
            check_function(name, sizes)
        elif name.startswith("double_"):
            raise SqlError("42P01", f"relation \"{name}\" does not exist")
        elif token.kind == "word" and name == "collate":
            raise tables.unsupported("COLLATE is")
        elif token.kind == "word" and name in SYSTEM_COLUMNS:
            raise SqlError("42703", f"column \"{name}\" does not exist")
        elif name.startswith(("pg_stat_", "pg_statio_")) and not sizes:
            raise SqlError("42P01", f"relation \"{name}\" does not exist")
        elif name in ("pg_locks", "pg_authid", "pg_shadow", "pg_largeobject"):
            raise SqlError("42P01", f"relation \"{name}\" does not exist")


def check_function(name, sizes):
    if name in SIZES or name.startswith("pg_stat_"):
        if sizes:
            return
        raise SqlError("0A000", f"function {name} not supported")
    if name.startswith(PREFIXES) and name not in CATALOGUE:
        raise SqlError("0A000", f"function {name} not supported")


# One function for each first word. They read on from it, may edit the text, and give the statement.

def begin(reader, _edits, _modifying):
    if reader.take("start"):
        raise refused("Start")
    reader.take("begin")
    _ = reader.take("work") or reader.take("transaction")
    statement = Statement(BEGIN, "")
    statement.read_only = modes(reader)
    return statement


def modes(reader):
    read_only = False
    while not reader.done():
        if reader.take("read", "only"):
            read_only = True
        elif reader.take("isolation", "level"):
            if not reader.take("repeatable", "read"):
                level = " ".join(t.text for t in reader.tokens[reader.at:reader.at + 2])
                raise SqlError("0A000", f"isolation level {level} is not supported")
        elif not reader.take("read", "write") and not reader.sign(","):
            raise SqlError("0A000", "unsupported transaction mode")
    return read_only


def commit(reader, _edits, _modifying):
    reader.take("commit")
    _ = reader.take("work") or reader.take("transaction")
    if not reader.done():
        raise refused("PrepareTransaction" if reader.word() == "prepared" else "CommitAndChain")
    return Statement(COMMIT, "")


def rollback(reader, _edits, _modifying):
    reader.take("rollback")
    _ = reader.take("work") or reader.take("transaction")
    if not reader.done():
        raise refused("RollbackToSavepoint" if reader.word() == "to" else "RollbackAndChain")
    return Statement(ROLLBACK, "")


def depths(tokens):
    """Each token with how deep in parentheses it stands."""
    depth = 0
    for token in tokens:
        if token.kind == "sign" and token.text in ")]":
            depth -= 1
        yield token, depth
        if token.kind == "sign" and token.text in "([":
            depth += 1


def query(reader, _edits, modifying):
    tokens = reader.tokens
    top = [token.text if token.kind == "word" else "" for token, depth in depths(tokens) if depth == 0]
    kind = READ
    if tokens[0].text == "with":
        kind = WRITE if {"insert", "update", "delete"} & set(top) - set(after_for(tokens)) else READ
    if "merge" in top:
        raise refused("Merge")
    if kind == READ and "into" in top:
        raise refused("SelectInto")
    if changes_inside(tokens):
        if not modifying:
            raise SqlError("0A000", "data-modifying statements in WITH are not known to be supported")
        kind = WRITE
    statement = Statement(kind, "")
    locking = [i for i, t in enumerate(tokens) if t.kind == "word" and t.text == "for" and i + 1 < len(tokens)
               and tokens[i + 1].kind == "word" and tokens[i + 1].text in ("update", "share", "no", "key")]
    if locking:
        statement.lock = lock_of(reader, locking)
        statement.kind = LOCK
    return statement


def after_for(tokens):
    """UPDATE is no statement in FOR UPDATE."""
    return {b.text for a, b in zip(tokens, tokens[1:]) if a.kind == "word" and a.text == "for"}


def changes_inside(tokens):
    """Whether a statement in parentheses changes something."""
    return any(a.kind == "sign" and a.text == "(" and b.kind == "word" and b.text in ("insert", "update", "delete")
               and len(tokens) > i + 2 and tokens[i + 2].is_name()
               for i, (a, b) in enumerate(zip(tokens, tokens[1:])))


EQUALITY = "locking clause such as FOR UPDATE can be applied only on tables with equality predicates on the key"


class Lock:
    """The table that FOR UPDATE is about, the columns that are compared with constants, and where its parts stand."""

    def __init__(self, table, columns, from_begin, where_begin, where_end, clause):
        self.table = table
        self.columns = columns
        self.source = from_begin
        self.where = (where_begin, where_end)
        self.clause = clause


def lock_of(reader, locking):
    tokens = reader.tokens
    last = locking[-1]
    if len(locking) != 1 or tokens[last + 1].text != "update" or last + 2 != len(tokens):
        raise SqlError("0A000", "locking clauses other than FOR UPDATE are not supported")
    flat = [(i, t.text) for i, (t, depth) in enumerate(depths(tokens)) if depth == 0 and t.kind == "word"]
    places = {}
    for i, word in flat:
        places.setdefault(word, i)
    if "from" not in places or "where" not in places or tokens[0].text != "select" or "or" in places or \
            {"group", "having", "union", "intersect", "except", "distinct", "join"} & set(places):
        raise SqlError("0A000", EQUALITY)
    source = Reader(tokens[places["from"] + 1:places["where"]], reader.sql)
    table = source.path()
    source.take("as")
    if not source.done():
        source.name()
    if not source.done():
        raise SqlError("0A000", EQUALITY)
    ends = [i for i in (places.get("order"), places.get("limit"), places.get("offset"), last) if i is not None]
    where = tokens[places["where"] + 1:min(ends)]
    return Lock(table, equalities(where), tokens[places["from"] + 1:places["where"]],
                where[0].begin, where[-1].end, tokens[last].begin)


def equalities(where):
    """Columns that are compared with a constant, in a list of conditions joined by AND."""
    found, part, depth_list = set(), [], list(depths(where))
    for token, depth in [*depth_list, (None, 0)]:
        if token is None or (depth == 0 and token.kind == "word" and token.text == "and"):
            name = equality(part)
            if name:
                found.add(name)
            part = []
        else:
            part.append(token)
    return found


def equality(part):
    """The column in `[table.]column = constant[::type]`, either way around."""
    place = [i for i, t in enumerate(part) if t.kind == "operator" and t.text == "="]
    if len(place) != 1:
        return None
    sides = part[:place[0]], part[place[0] + 1:]
    for name, value in (sides, sides[::-1]):
        if len(name) == 3 and name[0].is_name() and name[1].text == ".":
            name = name[2:]
        if len(name) == 1 and name[0].is_name() and value and value[0].kind in ("param", "string", "number") and \
                (len(value) == 1 or (len(value) == 3 and value[1].text == "::")):
            return name[0].text
    return None


def write(reader, _edits, modifying):
    if changes_inside(reader.tokens) and not modifying:
        raise SqlError("0A000", "data-modifying statements in WITH are not known to be supported")
    words = [t.text for t in reader.tokens if t.kind == "word"]
    if any(a == "current" and b == "of" for a, b in zip(words, words[1:])):
        raise refused("CurrentOf")
    return Statement(WRITE, "")


def explain(reader, edits, modifying):
    reader.take("explain")
    analyse = False
    if reader.peek() and reader.peek().text == "(":
        analyse = any(t.text == "analyze" for t in reader.group())
    while reader.word() in ("analyze", "verbose"):
        analyse = analyse or reader.word() == "analyze"
        reader.at += 1
    act = ACTS.get(reader.word())
    if act not in (query, write):
        raise refused("Explain")
    inner = Reader(reader.tokens[reader.at:], reader.sql)
    statement = act(inner, edits, modifying)
    if not analyse or statement.kind == LOCK:
        return Statement(READ, "")
    return Statement(statement.kind, "")


def create(reader, edits, _modifying):
    reader.take("create")
    if reader.word() in ("temp", "temporary", "unlogged", "global", "local"):
        raise tables.unsupported(f"{reader.word().upper()} tables are")
    if reader.take("table"):
        tables.create_table(reader, edits)
        return Statement(DDL, "", ("CREATE", "TABLE"))
    if reader.word() in ("unique", "index"):
        statement = Statement(INDEX, "")
        statement.index = tables.create_index(reader)
        return statement
    if reader.take("schema"):
        reader.take("if", "not", "exists")
        reader.name()
        if reader.take("authorization"):
            reader.name()
        reader.end()
        return Statement(DDL, "", ("CREATE", "SCHEMA"))
    if reader.take("role"):
        reader.name()
        reader.take("with")
        if not reader.done() and not reader.take("login"):
            raise tables.unsupported(f"{reader.peek().text.upper()} of roles is")
        reader.end()
        return Statement(DDL, "", ("CREATE", "ROLE"))
    replace = reader.take("or", "replace")
    if reader.take("view"):
        reader.path()
        if not reader.take("as") or reader.word() not in ("select", "with"):
            raise tables.unsupported("options of views are")
        return Statement(DDL, "", ("CREATE", "VIEW"))
    what = (reader.word() or "").capitalize()
    if what == "Database":
        raise refused("Createdb")
    raise refused(f"Create{'OrReplace' if replace else ''}{what}")


def alter(reader, edits, _modifying):
    reader.take("alter")
    if not reader.take("table"):
        raise refused("Alter" + (reader.word() or "").capitalize())
    tables.alter_table(reader, edits)
    return Statement(DDL, "", ("ALTER", "TABLE"))


def drop(reader, _edits, _modifying):
    reader.take("drop")
    what = reader.word()
    if what not in ("table", "index", "schema", "view", "role"):
        raise refused("Drop" + (what or "").capitalize())
    reader.at += 1
    if reader.take("concurrently"):
        raise tables.unsupported("CONCURRENTLY for DROP INDEX is")
    reader.take("if", "exists")
    reader.path()
    reader.take("restrict")
    if reader.take("cascade"):
        raise tables.unsupported("CASCADE is")
    if not reader.done():
        raise tables.unsupported("dropping several objects at once is")
    return Statement(DDL, "", ("DROP", what.upper()))


def grant(reader, _edits, _modifying):
    return Statement(DDL, "", (reader.word().upper(), ""))


def iam(reader, _edits, _modifying):
    if not reader.take("aws", "iam"):
        reader.fail()
    grants = reader.take("grant")
    if not grants and not reader.take("revoke"):
        reader.fail()
    role = reader.name()
    if not reader.take("to" if grants else "from"):
        reader.fail()
    token = reader.peek()
    if not token or token.kind != "string" or len(reader.tokens) != reader.at + 1:
        reader.fail()
    return Statement(IAM, "", (grants, role, token.text))


def call(reader, _edits, _modifying):
    reader.take("call")
    if reader.path() != ("sys", "wait_for_job"):
        raise refused("Call")
    part = reader.group()
    if len(part) != 1 or part[0].kind not in ("string", "param"):
        raise refused("Call")
    reader.end()
    return Statement(WAIT, "")


def set_parameter(reader, _edits, _modifying):
    reader.take("set")
    if reader.take("transaction"):
        modes(reader)
        return Statement(SESSION, "")
    if reader.word() in ("session", "local") and (reader.word(1) not in (None, "to")):
        reader.at += 1
    if reader.word() in ("transaction", "characteristics", "authorization", "role", "constraints"):
        raise refused("Set" + reader.word().capitalize())
    name = "timezone" if reader.take("time", "zone") else reader.name()
    if name.lower() not in PARAMETERS:
        raise SqlError("0A000", f"setting configuration parameter \"{name}\" not supported")
    values = [t.text.lower() for t in reader.tokens[reader.at + 1:]]
    wanted = {"client_encoding": ("utf8", "utf-8", "unicode"), "standard_conforming_strings": ("on", "true", "1")}
    if name.lower() in wanted and (len(values) != 1 or values[0] not in wanted[name.lower()]):
        raise SqlError("0A000", f"setting configuration parameter \"{name}\" not supported")
    return Statement(SESSION, "")


def plain(reader, _edits, _modifying):
    return Statement(SESSION, "")


ACTS = {
    "begin": begin, "start": begin, "commit": commit, "rollback": rollback, "select": query, "with": query,
    "values": query, "insert": write, "update": write, "delete": write, "explain": explain, "create": create,
    "alter": alter, "drop": drop, "grant": grant, "revoke": grant, "aws": iam, "call": call, "set": set_parameter,
    "show": plain, "deallocate": plain,
}
