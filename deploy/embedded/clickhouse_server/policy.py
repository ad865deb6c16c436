"""What may be asked: an allow-list of statements, functions over tables, engines and formats.

The engine can read files, open connections and run programs from SQL; a name that is not listed here
does none of that through this server, also one that a later engine brings.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Literal

from deploy.embedded.clickhouse_server.errors import ACCESS_DENIED, NOT_IMPLEMENTED, READONLY, ServerError
from deploy.embedded.clickhouse_server.statement import Statement
from deploy.embedded.clickhouse_server.tokens import Token

User = Literal["default", "reader"]

READING = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "FROM"})
_WRITING = frozenset(
    {"INSERT", "CREATE", "ALTER", "DROP", "RENAME", "EXCHANGE", "TRUNCATE", "DELETE", "UPDATE", "OPTIMIZE"}
    | {"CHECK", "KILL", "USE", "SET"}
)
_CREATES = frozenset({"TABLE", "TEMPORARY", "DATABASE", "VIEW", "MATERIALIZED", "OR"})

# Functions over tables that only compute. `merge` and `mergeTreeIndex` are left out: they see tables that
# a filter on the named table would hide.
TABLE_FUNCTIONS = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "values", "view", "null"}
    | {"format", "primes"}
)
# Scalar functions that read files, wait, or ask a service; `disk(…)` defines storage inside a query.
_REFUSED_FUNCTIONS = frozenset({"file", "disk", "catboostevaluate", "filesystem", "getclienthttpheader"})
_REFUSED_PREFIXES = ("ai", "llm")
# Formats whose schema or template is a file or a service named by a setting.
_REFUSED_FORMATS = ("template", "protobuf", "capnproto", "avroconfluent")
_ENGINES = frozenset(
    {"ATOMIC", "MEMORY", "VIEW", "MATERIALIZEDVIEW", "NULL", "LOG", "TINYLOG", "STRIPELOG", "SET", "JOIN"}
)
# What a reader may see of `system`: what there is and how it is called. The others tell what others ask, what lies in
# tables that a filter hides, or where files are.
_SYSTEM_TABLES = frozenset(
    {
        "one",
        "numbers",
        "numbers_mt",
        "zeros",
        "tables",
        "columns",
        "databases",
        "functions",
        "table_functions",
        "settings",
    }
    | {"formats", "data_type_families", "table_engines", "keywords", "time_zones", "build_options"}
)
# In the lists of tables and columns a reader finds the views; of tables they would tell how much a filter hides.
SYSTEM_FILTERS = {
    "system.tables": "engine = 'View' OR lower(database) IN ('system', 'information_schema')",
    "system.columns": r"table LIKE 'v\_%' OR lower(database) IN ('system', 'information_schema')",
}


class Policy:
    """Judges statements; built with the engine's own lists of what it can do."""

    def __init__(self, table_functions: Collection[str], functions: Collection[str]) -> None:
        refused = {name.lower() for name in table_functions} - TABLE_FUNCTIONS
        refused |= {name.lower() for name in functions if name.lower().startswith(_REFUSED_PREFIXES)}
        self._refused = refused | _REFUSED_FUNCTIONS

    def require(self, statement: Statement, user: User, *, by_get: bool) -> None:
        """Raise ServerError if `user` may not send this; `by_get`: by GET, or with `readonly`, which never write."""
        if user == "reader" and statement.verb not in READING:
            raise ServerError(READONLY, f"reader: cannot execute {statement.verb or 'this'}: only reading is allowed")
        if by_get and statement.kind != "read":
            raise ServerError(
                READONLY, "cannot execute a query that writes by GET or with readonly set: use POST without it"
            )
        if statement.verb not in READING | _WRITING:
            raise ServerError(
                ACCESS_DENIED, f"the embedded ClickHouse does not execute {statement.verb or statement.tokens[0].text}"
            )
        if user == "reader":
            _check_system(statement.tokens)
        self._check_functions(statement.tokens)
        self._check_words(statement)
        if statement.format and statement.format.lower().startswith(_REFUSED_FORMATS):
            raise ServerError(NOT_IMPLEMENTED, f"the embedded ClickHouse does not offer the format {statement.format}")

    def _check_functions(self, tokens: Sequence[Token]) -> None:
        for token, following in pairwise(tokens):
            if token.kind == "quoted" and "\\" in token.text:
                raise ServerError(ACCESS_DENIED, "names with a backslash are refused by the embedded ClickHouse")
            if following.text != "(" or following.kind != "mark" or token.kind not in {"word", "quoted"}:
                continue
            if token.text.lower() in self._refused:
                raise ServerError(
                    ACCESS_DENIED,
                    f"the function {token.text.lower()} is refused by the embedded ClickHouse: SQL here reaches no "
                    "files, networks, programs or tables behind other tables",
                )

    @staticmethod
    def _check_words(statement: Statement) -> None:
        tokens = statement.tokens
        for token, following in pairwise(tokens):
            if token.kind != "word" or following.kind != "word":
                continue
            if (token.text, following.text) in {("INTO", "OUTFILE"), ("FROM", "INFILE")}:
                raise ServerError(
                    ACCESS_DENIED, f"{token.text} {following.text} is refused: data travels in the request"
                )
        if statement.verb == "CREATE":
            if len(tokens) < 2 or tokens[1].text not in _CREATES or any(t.text == "DICTIONARY" for t in tokens[1:4]):
                raise ServerError(ACCESS_DENIED, "the embedded ClickHouse creates databases, tables and views only")
            _check_engines(tokens)


def _check_system(tokens: Sequence[Token]) -> None:
    for database, dot, table in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if database.text.lower() != "system" or dot.text != "." or table.kind not in {"word", "quoted"}:
            continue
        if table.text.lower() not in _SYSTEM_TABLES:
            raise ServerError(ACCESS_DENIED, f"system.{table.text.lower()} is refused to readers")
    if tokens[0].text in {"SHOW", "EXPLAIN"} and any(
        token.text in {"PROCESSLIST", "ESTIMATE"} for token in tokens[1:3]
    ):
        raise ServerError(ACCESS_DENIED, f"{tokens[0].text} {tokens[1].text} is refused to readers")


def _check_engines(tokens: Sequence[Token]) -> None:
    for index, token in enumerate(tokens):
        if token.kind != "word" or token.text != "ENGINE":
            continue
        rest = [t for t in tokens[index + 1 : index + 3] if t.text != "="]
        name = rest[0].text.upper() if rest else ""
        if name not in _ENGINES and not name.endswith("MERGETREE"):
            raise ServerError(ACCESS_DENIED, f"the embedded ClickHouse refuses the engine {name or '(none)'}")
