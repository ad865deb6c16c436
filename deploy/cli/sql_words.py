r"""What there is to ask about: views, columns and saved queries, as words for completion and for `\d`. Pure but for reading them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from deploy.cli.clickhouse import FORMATS
from sinks.clickhouse.saved_queries import SavedQuery

KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "WITH", "AS", "AND", "OR", "NOT", "IN", "BETWEEN",
    "LIKE", "IS NULL", "IS NOT NULL", "JOIN", "LEFT JOIN", "ASOF JOIN", "ON", "USING", "DISTINCT", "UNION ALL", "DESC", "ASC",
    "INTERVAL", "CASE", "WHEN", "THEN", "ELSE", "END", "DESCRIBE", "SHOW TABLES", "EXPLAIN",
)  # fmt: skip
FUNCTIONS = (
    "count()", "sum(", "avg(", "min(", "max(", "uniqExact(", "quantileExact(", "countIf(", "sumIf(", "argMax(", "groupArray(",
    "toDate(", "toHour(", "toDayOfWeek(", "toStartOfInterval(", "toStartOfHour(", "toTimeZone(", "today()", "yesterday()", "now()",
    "round(", "if(", "arrayJoin(", "splitByChar(", "dateDiff(",
)  # fmt: skip
COMMANDS = {
    "\\d": "views; \\d NAME: its columns and what they mean",
    "\\l": "saved queries",
    "\\s": "\\s NAME: what a saved query answers, and its SQL",
    "\\r": "\\r NAME k=v …: ask a saved query",
    "\\f": f"\\f {'|'.join(FORMATS)}: how answers are written",
    "\\?": "this list",
    "\\q": "leave",
}
_VIEWS = """
SELECT name, comment FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, 'v_') ORDER BY name
"""
_COLUMNS = """
SELECT table, name, type, comment FROM system.columns
WHERE database = currentDatabase() AND startsWith(table, 'v_') ORDER BY table, position
"""
_AFTER_FROM = re.compile(r"\b(?:from|join|describe|table)\s+[\w.]*\Z", re.IGNORECASE)


class Column(NamedTuple):
    name: str
    type: str
    comment: str


class Catalogue(NamedTuple):
    """`views`: name -> what a row is; `columns`: by view, in their order."""

    views: Mapping[str, str]
    columns: Mapping[str, tuple[Column, ...]]


class Suggestion(NamedTuple):
    """A word, what it is, and how much of what was written it replaces."""

    word: str
    meaning: str
    replaces: int


def read_catalogue(client: Client) -> Catalogue:
    """What whoever asks may see of it."""
    views = {str(name): str(comment) for name, comment in client.query(_VIEWS).result_rows}
    columns: dict[str, list[Column]] = {}
    for view, *column in client.query(_COLUMNS).result_rows:
        columns.setdefault(view, []).append(Column(*column))
    return Catalogue(views, {view: tuple(found) for view, found in columns.items()})


def suggestions(
    before: str, whole: str, catalogue: Catalogue, saved: Mapping[str, SavedQuery], language: str
) -> Iterator[Suggestion]:
    """What may come next. `before`: the text up to the cursor; `whole`: all of it, whose views tell which columns."""
    if before.startswith("\\"):
        yield from _after_command(before, catalogue, saved, language)
        return
    begun = re.split(r"\W", before)[-1]
    if _AFTER_FROM.search(before):
        yield from _matching(catalogue.views.items(), begun)
        return
    if not begun:
        return
    named = [view for view in catalogue.views if re.search(rf"\b{view}\b", whole)]
    columns = {c.name: f"{c.type}  {c.comment}" for view in named or catalogue.views for c in catalogue.columns[view]}
    yield from _matching(columns.items(), begun)
    yield from _matching(((word, "") for word in (*FUNCTIONS, *KEYWORDS)), begun)
    yield from _matching(catalogue.views.items(), begun)


def _after_command(
    before: str, catalogue: Catalogue, saved: Mapping[str, SavedQuery], language: str
) -> Iterator[Suggestion]:
    command, space, rest = before.partition(" ")
    if not space:
        yield from _matching(COMMANDS.items(), command)
        return
    begun = rest.rpartition(" ")[2]
    if command == "\\d":
        yield from _matching(catalogue.views.items(), begun)
    elif command == "\\f":
        yield from _matching(((form, "") for form in FORMATS), begun)
    elif command in {"\\s", "\\r"} and " " not in rest:
        yield from _matching(((name, query.titles[language]) for name, query in saved.items()), begun)
    elif command == "\\r" and rest.split()[0] in saved:
        told = saved[rest.split()[0]].parameters
        yield from _matching(((f"{p.name}=", f"{p.meaning} ({p.default or 'empty'})") for p in told), begun)


def _matching(words: Iterable[tuple[str, str]], begun: str) -> Iterator[Suggestion]:
    lowered = begun.lower()
    for word, meaning in words:
        if word.lower().startswith(lowered) and word != begun:
            yield Suggestion(word, meaning, len(begun))


def described(catalogue: Catalogue, name: str) -> str:
    r"""The text of `\d` (`name` empty) or of `\d NAME`. Raises LookupError."""
    if not name:
        return _aligned(catalogue.views.items())
    if name not in catalogue.columns:
        near = [view for view in catalogue.views if name in view] or list(catalogue.views)
        raise LookupError(f"no view {name}: there are {', '.join(near)}")
    rows = [(c.name, c.type, c.comment) for c in catalogue.columns[name]]
    return f"{name}: {catalogue.views[name]}\n{_aligned(rows)}"


def _aligned(rows: Iterable[tuple[str, ...]]) -> str:
    rows = list(rows)
    widths = [max((len(row[n]) for row in rows), default=0) for n in range(len(rows[0]) - 1)] if rows else []
    lines = [
        "  ".join((*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[-1])) for row in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
