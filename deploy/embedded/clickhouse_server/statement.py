"""What kind of statement it is, where an INSERT's data begins, and which format the answer has."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from deploy.embedded.clickhouse_server.errors import SYNTAX_ERROR, ServerError
from deploy.embedded.clickhouse_server.tokens import Token, tokens

Kind = Literal["read", "insert", "write"]

_READS = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "FROM", "CHECK"})


@dataclass(frozen=True)
class Statement:
    """One statement.

    `sql` ends before an INSERT's data; `data` is what follows the name of its format, and
    ` FROM INFILE '…'` would belong at `infile_at`. `format`: as written, None if not written.
    """

    kind: Kind
    verb: str
    sql: bytes
    tokens: tuple[Token, ...]
    format: str | None
    data: bytes | None = None
    infile_at: int = 0


def _depth(token: Token) -> int:
    return (token.text in "([{") - (token.text in ")]}") if token.kind == "mark" else 0


def parse(text: bytes) -> Statement:
    """Split one statement from its data. Raises ServerError for none or several."""
    found: list[Token] = []
    depth = 0
    settings: Token | None = None
    into_table = True
    for token in tokens(text):
        found.append(token)
        depth += _depth(token)
        if found[0].text != "INSERT" or not into_table or depth or token.kind != "word":
            continue
        if token.text in {"SELECT", "WITH", "VALUES"}:
            into_table = False
        elif token.text == "SETTINGS" and settings is None:
            settings = token
        elif found[-2:-1] and found[-2].text == "FORMAT":
            return _with_data(text, found, settings)
    return _plain(text, found)


def _with_data(text: bytes, found: list[Token], settings: Token | None) -> Statement:
    """An INSERT … FORMAT name: the data begins after the blanks and the one line break that follow."""
    keyword, name = found[-2:]
    start = name.end
    while text[start : start + 1] in {b" ", b"\t", b"\r"}:
        start += 1
    if text[start : start + 1] == b"\n":
        start += 1
    return Statement(
        kind="insert",
        verb="INSERT",
        sql=text[: name.end],
        tokens=tuple(found),
        format=text[name.start : name.end].decode(),
        data=text[start:],
        infile_at=(settings or keyword).start,
    )


def _plain(text: bytes, found: list[Token]) -> Statement:
    marks = [index for index, token in enumerate(found) if token.kind == "mark" and token.text == ";"]
    if marks:
        if len(marks) < len(found) - marks[0]:
            raise ServerError(SYNTAX_ERROR, "Syntax error: several statements in one request are not allowed")
        text = text[: found[marks[0]].start]
        found = found[: marks[0]]
    if not found:
        raise ServerError(SYNTAX_ERROR, "Syntax error: Empty query")
    first = next((token for token in found if token.text != "("), found[0])
    verb = first.text if first.kind == "word" else ""
    if verb == "INSERT":
        return Statement("insert", verb, text, tuple(found), None)
    return Statement("read" if verb in _READS else "write", verb, text, tuple(found), _format(text, found))


def _format(text: bytes, found: list[Token]) -> str | None:
    """The name after a closing FORMAT clause (only SETTINGS may follow it), as written."""
    depth = 0
    for index, (token, name) in enumerate(pairwise(found)):
        depth += _depth(token)
        if depth or (token.kind, token.text, name.kind) != ("word", "FORMAT", "word"):
            continue
        if index + 2 == len(found) or found[index + 2].text == "SETTINGS":
            return text[name.start : name.end].decode()
    return None
