"""SQL as words: what is code and what is a string or a comment, as ClickHouse's lexer sees it.

It reads bytes and stops where the reader stops, because data follows the text of an INSERT.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["word", "quoted", "string", "number", "mark"]

_TOKEN = re.compile(
    rb"""
    (?P<skip>   (?: [\x00-\x20\x7f-\xff] | --[^\n]* | \#[\ !][^\n]* | /\*.*?\*/ )+ )
  | (?P<word>   [A-Za-z_][A-Za-z0-9_$]* )
  | (?P<number> [0-9][A-Za-z0-9_.]* )
  | (?P<string> '(?:[^'\\]|\\.|'')*' | (?P<tag>\$[A-Za-z0-9_]*\$).*?(?P=tag) )
  | (?P<quoted> "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*` )
  | (?P<mark>   . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """`text`: a word in upper case, a quoted name without its quotes; `start`, `end`: bytes."""

    kind: Kind
    text: str
    start: int
    end: int


def tokens(sql: bytes) -> Iterator[Token]:
    """The tokens of `sql`, comments and blanks left out, one at a time."""
    position = 0
    while match := _TOKEN.match(sql, position):
        position = match.end()
        raw = match.group().decode("latin-1")
        match match.lastgroup:
            case "word":
                yield Token("word", raw.upper(), match.start(), position)
            case "quoted":
                yield Token("quoted", raw[1:-1], match.start(), position)
            case "string" | "tag":
                yield Token("string", raw, match.start(), position)
            case "number":
                yield Token("number", raw, match.start(), position)
            case "mark":
                yield Token("mark", raw, match.start(), position)
            case _:
                continue
