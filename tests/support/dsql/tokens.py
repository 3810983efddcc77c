"""SQL cut into tokens, as PostgreSQL's scanner does it."""

import re

from wire import SqlError

TOKEN = re.compile(r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<escape>[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<other>[uU]&['"]|[bBxXnN]')
  | (?P<string>'(?:[^']|'')*')
  | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\uffff][\w\x80-\uffff]*|)\$)
  | (?P<param>\$\d+)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
  | (?P<sign>::|[()\[\],;:.])
  | (?P<operator>[-+*/<>=~!@\#%^&|`?]+)
""", re.X | re.S)


class Token:
    """`text` is what it means: a word in lower case, a name or a string without its quotes."""

    __slots__ = ("kind", "text", "begin", "end")

    def __init__(self, kind, text, begin, end):
        self.kind = kind
        self.text = text
        self.begin = begin
        self.end = end

    def __repr__(self):
        return f"{self.kind}:{self.text}"

    def is_name(self):
        return self.kind in ("word", "quoted")


def comment_end(sql, place):
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(sql, place):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    raise SqlError("42601", "unterminated /* comment")


def dollar_end(sql, found):
    end = sql.find(found[0], found.end())
    if end < 0:
        raise SqlError("42601", "unterminated dollar-quoted string")
    return end + len(found[0])


def tokens_of(sql):
    place, found, result = 0, None, []
    while place < len(sql):
        found = TOKEN.match(sql, place)
        if not found:
            raise SqlError("42601", f"syntax error at or near \"{sql[place]}\"")
        kind, text, end = found.lastgroup, found[0], found.end()
        if kind == "tag":
            kind = "dollar"
        if kind == "comment":
            place = comment_end(sql, place)
            continue
        if kind == "dollar":
            end = dollar_end(sql, found)
            text = sql[found.end():end - len(found[0])]
            kind = "string"
        elif kind == "word":
            # Only ASCII is folded: the database's locale is C.
            text = re.sub("[A-Z]+", lambda m: m[0].lower(), text)
        elif kind == "quoted":
            text = text[1:-1].replace('""', '"')
        elif kind == "string":
            text = text[1:-1].replace("''", "'")
        elif kind == "escape":
            kind = "string"
        elif kind == "other":
            raise SqlError("0A000", "strings and names with escapes are not supported")
        if kind != "space":
            result.append(Token(kind, text, place, end))
        place = end
    return result


def split(tokens, sign=";"):
    """The lists between signs that stand in no parentheses; empty ones too."""
    parts, depth = [[]], 0
    for token in tokens:
        if token.kind == "sign":
            depth += (token.text in "([") - (token.text in ")]")
            if token.text == sign and depth == 0:
                parts.append([])
                continue
        parts[-1].append(token)
    return parts


class Reader:
    """Reads tokens one after the other."""

    def __init__(self, tokens, sql):
        self.tokens = tokens
        self.sql = sql
        self.at = 0

    def peek(self, ahead=0):
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def word(self, ahead=0):
        """The word there; names in quotes are none."""
        token = self.peek(ahead)
        return token.text if token and token.kind == "word" else None

    def take(self, *words):
        """Reads these words if they come next."""
        if all(self.word(i) == w for i, w in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def sign(self, text):
        token = self.peek()
        if token and token.kind in ("sign", "operator") and token.text == text:
            self.at += 1
            return True
        return False

    def done(self):
        return self.at >= len(self.tokens)

    def fail(self):
        token = self.peek()
        if not token:
            raise SqlError("42601", "syntax error at end of input")
        raise SqlError("42601", f"syntax error at or near \"{self.sql[token.begin:token.end]}\"")

    def name(self):
        token = self.peek()
        if not token or not token.is_name():
            self.fail()
        self.at += 1
        return token.text

    def path(self):
        """A name with its schema, if it has one: a pair."""
        first = self.name()
        if self.sign("."):
            return first, self.name()
        return None, first

    def group(self):
        """What stands in the parentheses that open here."""
        if not self.sign("("):
            self.fail()
        begin, depth = self.at, 1
        while depth:
            token = self.peek()
            if not token:
                self.fail()
            if token.kind == "sign":
                depth += (token.text in "([") - (token.text in ")]")
            self.at += 1
        return self.tokens[begin:self.at - 1]

    def end(self):
        if not self.done():
            self.fail()
