"""Saved queries: `queries/NAME.sql`, each with a header that says what it answers and what may be set.

    -- Which quarter hours were the worst?          its title, in English
    -- 哪些一刻钟最差？                               and in Chinese
    -- Whatever else there is to say.
    -- @from = month : first local day              a parameter, its default and its meaning

A default may be a word that stands for something of the moment (`Words`); an empty one is the empty text. Values travel
as ClickHouse's own parameters (`{from:Date}`), never inside the text of a query.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from deploy.runtime.settings import Settings

_PARAMETER = re.compile(r"@(?P<name>\w+) = (?P<default>\S*) ?: (?P<meaning>.+)")
_USED = re.compile(r"\{(\w+):(\w+)\}")
_DAY = re.compile(r"today(?:-(?P<days>\d+))?")


class QueryError(ValueError):
    """No such query or parameter, or a header that does not fit its query; the text says what there is."""


class Parameter(NamedTuple):
    """What may be set: `type` is ClickHouse's; `default` is text or one of the words."""

    name: str
    type: str
    default: str
    meaning: str


class SavedQuery(NamedTuple):
    """One question. `titles`: by language; `about`: the rest of the header."""

    name: str
    titles: dict[str, str]
    about: str
    parameters: tuple[Parameter, ...]
    sql: str


class Words(NamedTuple):
    """What the words in defaults stand for: today's local date, the time zone, the threshold (s) of the promise."""

    today: date
    zone: str
    threshold_s: int

    def read(self, text: str) -> str:
        """The value of a default or of what was given: dates may be words for every parameter."""
        if found := _DAY.fullmatch(text):
            return (self.today - timedelta(days=int(found["days"] or 0))).isoformat()
        if text == "month":
            return self.today.replace(day=1).isoformat()
        return {"zone": self.zone, "threshold": str(self.threshold_s)}.get(text, text)


def words_of(settings: Settings, hotline: str, now: datetime) -> Words:
    """As it is for a hotline (empty: the one on the wallboard, else the first one configured)."""
    config = settings.hotline(hotline or settings.web.hotline or next(iter(settings.hotlines), ""))
    return Words(now.astimezone(config.zone).date(), config.time_zone, config.thresholds_s[0])


def parse(name: str, text: str) -> SavedQuery:
    """A query from its file. Raises QueryError if header and query do not fit."""
    lines = text.splitlines()
    header = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
    told = [found for line in header if (found := _PARAMETER.fullmatch(line))]
    about = [line for line in header[2:] if not line.startswith("@")]
    used = dict(_USED.findall(sql))
    names = [found["name"] for found in told]
    if len(header) < 2 or sorted(names) != sorted(used):
        raise QueryError(f"{name}.sql: the header tells {names}, the query uses {sorted(used)}")
    parameters = tuple(Parameter(f["name"], used[f["name"]], f["default"], f["meaning"]) for f in told)
    return SavedQuery(name, {"en": header[0], "zh": header[1]}, " ".join(about), parameters, sql)


@cache
def saved_queries() -> Mapping[str, SavedQuery]:
    """All of them, by name."""
    folder = files("sinks.clickhouse") / "queries"
    found = [parse(f.name.removesuffix(".sql"), f.read_text("utf-8")) for f in folder.iterdir()]
    return {query.name: query for query in sorted(found)}


def saved_query(name: str) -> SavedQuery:
    """The query of that name. Raises QueryError."""
    found = saved_queries().get(name)
    if found is None:
        raise QueryError(f"no saved query {name}: `hotline sql --list` shows those there are")
    return found


def values(query: SavedQuery, given: Mapping[str, str], words: Words) -> dict[str, str]:
    """A value for each parameter. Raises QueryError for one that the query does not have."""
    unknown = sorted(given.keys() - {parameter.name for parameter in query.parameters})
    if unknown:
        known = ", ".join(parameter.name for parameter in query.parameters)
        raise QueryError(f"{query.name} has no parameter {unknown[0]}: there are {known}")
    return {p.name: words.read(given.get(p.name, p.default)) for p in query.parameters}
