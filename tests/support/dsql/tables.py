"""Statements that change the schema: only what the service's narrow subset takes."""

from tokens import Reader, split
from wire import SqlError

# Types of columns, and what they are called in refusals.
TYPES = {
    "smallint", "int2", "integer", "int", "int4", "bigint", "int8", "real", "float4", "double precision", "float8", "float",
    "numeric", "decimal", "char", "character", "varchar", "character varying", "bpchar", "text", "boolean", "bool",
    "date", "time", "time without time zone", "timetz", "time with time zone", "timestamp",
    "timestamp without time zone", "timestamptz", "timestamp with time zone", "interval", "uuid", "bytea",
}
SERIAL = {"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"}
UNKEYED = {"numeric", "decimal", "interval", "timetz", "time with time zone", "bytea"}
WITH_LENGTH = {"float", "numeric", "decimal", "char", "character", "varchar", "character varying", "time", "timetz", "timestamp",
               "timestamptz", "bpchar", "interval"}
LENGTHS = {"char": 4096, "character": 4096, "bpchar": 4096, "varchar": 65535, "character varying": 65535}
# What ends a type.
CONSTRAINTS = {"not", "null", "default", "primary", "unique", "check", "constraint", "references", "collate",
               "generated", "storage", "compression", "deferrable", "initially"}
KEY_COLUMNS = 8
KEY_BYTES = 2000  # of declared sizes


def unsupported(what):
    return SqlError("0A000", f"{what} not supported")


def type_of(reader, edits, in_key=False):
    """Reads a type and checks it."""
    words, begin = [], reader.at
    length = None
    while not reader.done() and reader.word() not in CONSTRAINTS:
        token = reader.peek()
        if token.kind == "sign" and token.text == "(" and length is None:
            length = reader.group()
            place = reader.peek(-1).end
        elif token.is_name() and not (token.text == "array" and words):
            words.append(reader.name())
            if not length:
                place = token.end
            if reader.sign("."):
                words[-1] += "." + reader.name()
        elif token.text in ("[", "array"):
            raise unsupported(f"datatype {' '.join(words)}[]")
        else:
            reader.fail()
    name = " ".join(words).removeprefix("pg_catalog.")
    if reader.at == begin:
        reader.fail()
    if name in SERIAL:
        raise SqlError("42704", f"type \"{name}\" does not exist")
    if name not in TYPES or (length is not None and words[0] not in WITH_LENGTH):
        raise unsupported(f"datatype {name}")
    check_length(name, length, in_key)
    if name in ("numeric", "decimal") and length is None:
        edits.append((place, "(18,6)"))
    return name, int(length[0].text) if length and name in LENGTHS else 0


def check_length(name, length, in_key):
    if length and name in LENGTHS:
        if len(length) != 1 or length[0].kind != "number":
            raise SqlError("42601", "syntax error in the length of a type")
        if int(length[0].text) > LENGTHS[name]:
            raise SqlError("54000", f"datatype limit greater than {LENGTHS[name]} bytes not supported for {name}")
    if in_key and name in UNKEYED:
        raise unsupported(f"datatype {name} in a key is")


class Table:
    """What is declared in CREATE TABLE."""

    def __init__(self):
        self.columns = {}
        self.keys = []


def create_table(reader, edits):
    reader.take("if", "not", "exists")
    reader.path()
    if reader.word() in ("as", "of", "partition"):
        raise unsupported("CREATE TABLE " + reader.word().upper())
    table = Table()
    for part in split(reader.group(), ","):
        element(Reader(part, reader.sql), table, edits)
    if not reader.done():
        what = reader.word() or reader.peek().text
        raise unsupported({"as": "CREATE TABLE AS", "inherits": "INHERITS", "partition": "PARTITION BY"}
                          .get(what, what.upper()))
    if len(table.columns) > 255:
        raise SqlError("54011", "tables can have at most 255 columns")
    for key in table.keys:
        check_key(table, key)


def check_key(table, key):
    if len(key) > KEY_COLUMNS:
        raise SqlError("54011", "more than 8 column keys in an index are not supported")
    for name in key:
        if table.columns.get(name, ("", 0))[0] in UNKEYED:
            raise unsupported(f"datatype {table.columns[name][0]} in a key is")
    if sum(table.columns.get(name, ("", 0))[1] for name in key) > KEY_BYTES:
        raise SqlError("54000", "key size too large")


def element(reader, table, edits):
    if reader.word() in ("constraint", "primary", "unique", "check", "foreign", "exclude", "like"):
        table_constraint(reader, table)
        return
    name = reader.name()
    table.columns[name] = type_of(reader, edits)
    while not reader.done():
        column_constraint(reader, table, name)


def named(reader):
    if reader.take("constraint"):
        reader.name()


def table_constraint(reader, table):
    named(reader)
    if reader.take("primary", "key") or reader.take("unique"):
        reader.take("nulls", "not", "distinct")
        reader.take("nulls", "distinct")
        key = [Reader(part, reader.sql) for part in split(reader.group(), ",")]
        table.keys.append([part.name() for part in key])
        for part in key:
            part.end()
        if reader.take("include"):
            reader.group()
    elif reader.take("check"):
        reader.group()
    else:
        what = {"foreign": "FOREIGN KEY constraints are", "exclude": "exclusion constraints are"}
        raise unsupported(what.get(reader.word(), f"{(reader.word() or '').upper()} is"))
    end_of_constraint(reader)


def end_of_constraint(reader):
    if not reader.done():
        token = reader.peek()
        raise unsupported(f"{token.text.upper()} is")


def column_constraint(reader, table, column):
    named(reader)
    if reader.take("primary", "key") or reader.take("unique"):
        table.keys.append([column])
    elif reader.take("check"):
        reader.group()
    elif reader.take("default"):
        default(reader)
    elif not (reader.take("not", "null") or reader.take("null")):
        what = {"references": "FOREIGN KEY constraints are", "collate": "COLLATE is",
                "generated": "GENERATED columns are"}
        raise unsupported(what.get(reader.word(), f"{reader.peek().text.upper()} is"))


def default(reader):
    """An expression, up to the next constraint."""
    begin = reader.at
    while not reader.done() and (reader.word() not in CONSTRAINTS or reader.at == begin):
        if reader.peek().text == "(" and reader.peek().kind == "sign":
            reader.group()
        else:
            reader.at += 1
    if reader.at == begin:
        reader.fail()


class Index:
    """CREATE INDEX ASYNC, taken apart."""

    def __init__(self, unique, missing, name, table, rest):
        self.unique = unique
        self.missing = missing
        self.name = name
        self.table = table
        self.rest = rest


def create_index(reader):
    unique = reader.take("unique")
    if not reader.take("index"):
        reader.fail()
    if reader.take("concurrently"):
        raise SqlError("0A000", "CONCURRENTLY not supported for CREATE INDEX")
    if not reader.take("async"):
        raise SqlError("0A000", "unsupported mode. please use CREATE INDEX ASYNC.")
    missing = reader.take("if", "not", "exists")
    name = reader.name()
    if reader.peek() and reader.peek().text == ".":
        reader.fail()
    if not reader.take("on"):
        reader.fail()
    if reader.word() == "only" and reader.peek(1) and reader.peek(1).is_name():
        raise unsupported("ONLY is")
    begin = reader.peek().begin if reader.peek() else 0
    reader.path()
    table = reader.sql[begin:reader.peek(-1).end]
    if reader.word() == "using":
        raise unsupported("USING for index access methods is")
    begin = reader.peek().begin if reader.peek() else 0
    columns = split(reader.group(), ",")
    if len(columns) > KEY_COLUMNS:
        raise SqlError("54011", "more than 8 column keys in an index are not supported")
    for column in columns:
        index_column(Reader(column, reader.sql))
    if reader.take("include"):
        for column in split(reader.group(), ","):
            part = Reader(column, reader.sql)
            part.name()
            part.end()
    if not reader.take("nulls", "not", "distinct"):
        reader.take("nulls", "distinct")
    if not reader.done():
        what = {"where": "partial indexes are", "tablespace": "tablespaces are", "with": "storage parameters are"}
        raise unsupported(what.get(reader.word(), f"{reader.peek().text} is"))
    return Index(unique, missing, name, table, reader.sql[begin:reader.tokens[-1].end])


def index_column(reader):
    token = reader.peek()
    if not token or not token.is_name() or (reader.peek(1) and reader.peek(1).text in ("(", ".")):
        raise unsupported("expressions in index keys are")
    reader.name()
    if reader.word() == "collate":
        raise unsupported("COLLATE is")
    if reader.word() in ("asc", "desc"):
        raise SqlError("0A000", "specifying sort order not supported for index keys")
    if not (reader.take("nulls", "first") or reader.take("nulls", "last")) and not reader.done():
        raise SqlError("0A000", "opclass not supported for index keys")
    if reader.word() in ("asc", "desc"):
        raise SqlError("0A000", "specifying sort order not supported for index keys")
    reader.end()


def alter_table(reader, edits):
    reader.take("if", "exists")
    if reader.word() == "only" and reader.peek(1) and reader.peek(1).is_name():
        raise unsupported("ONLY is")
    reader.path()
    if len(split(reader.tokens[reader.at:], ",")) > 1:
        raise SqlError("0A000", "unsupported ALTER TABLE statement with several actions")
    if reader.take("add"):
        if reader.word() in ("constraint", "primary", "unique", "check", "foreign", "exclude"):
            raise SqlError("0A000", "unsupported ALTER TABLE ADD CONSTRAINT statement")
        reader.take("column")
        reader.take("if", "not", "exists")
        reader.name()
        type_of(reader, edits)
        if not reader.done() and reader.word() in CONSTRAINTS:
            raise SqlError("0A000", "ALTER TABLE ADD COLUMN with constraint not supported")
    elif reader.take("rename"):
        if not reader.take("to"):
            if not reader.take("constraint"):
                reader.take("column")
            reader.name()
            if not reader.take("to"):
                reader.fail()
        reader.name()
    elif reader.take("owner", "to") or reader.take("set", "schema"):
        reader.name()
    else:
        words = " ".join(t.text.upper() for t in reader.tokens[reader.at:reader.at + 2] if t.kind == "word")
        raise SqlError("0A000", f"unsupported ALTER TABLE {words} statement")
    if not reader.done():
        raise SqlError("0A000", "unsupported ALTER TABLE statement with several actions")
