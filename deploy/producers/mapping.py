"""A mapping: how the rows of an export are calls. The YAML documents itself in `mappings/anonymous-bank.yaml`."""

import codecs
import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from deploy.producers.mapping_parts import (
    MOMENTS,
    Column,
    Durations,
    EventField,
    EventLog,
    Outcomes,
    Rated,
    Several,
    SeveralNames,
    TimeFormat,
    Times,
)
from deploy.runtime import yaml_text
from deploy.runtime.section import Section
from deploy.runtime.settings import TimeZone

Format = Literal["csv", "tsv", "jsonl", "xlsx", "parquet"]


class MappingError(ValueError):
    """A mapping that cannot be used; the text names the key and says what to do."""


def _known_codec(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ValueError(f"{name!r} is no encoding that Python knows; write one such as utf-8 or gb18030") from error
    return name


class Mapping(Section):
    """One kind of export: its rows are calls (`times` and `outcome`) or lines of an event log (`events`)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    hotline: Annotated[str, Field(min_length=1, max_length=256)]
    zone: TimeZone
    encoding: Annotated[str, AfterValidator(_known_codec)] = "utf-8"
    format: Format = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    sheet: str = ""
    skip_lines: Annotated[int, Field(ge=0, le=100)] = 0
    columns: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    where: dict[str, Several] = Field(default_factory=dict)
    time: TimeFormat = TimeFormat()
    call: SeveralNames
    no_call: tuple[str, ...] = ()
    caller: Column | None = None
    queue: Column | None = None
    source: Column | None = None
    times: Times | None = None
    durations: Durations = Durations()
    outcome: Outcomes | None = None
    events: EventLog | None = None
    rated: Rated | None = None
    fields: dict[EventField, Column] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_format(self) -> Self:
        if self.format == "jsonl" and (self.delimiter or self.columns or self.skip_lines):
            raise ValueError("jsonl has neither delimiter nor columns nor skip_lines: leave them out")
        if (self.events is None) == (self.times is None or self.outcome is None):
            raise ValueError("write times and outcome (a row is a call), or events (a row is an event)")
        if self.events is not None and (self.times or self.outcome or self.rated):
            raise ValueError("a log of events has neither times nor outcome nor rated: leave them out")
        if self.events is not None and self.events.has_agents and "agent" not in self.fields:
            raise ValueError("events with agents need the column of the agent: fields: {agent: <column>}")
        return self

    @property
    def separator(self) -> str:
        """What stands between two columns of a csv or tsv file."""
        return self.delimiter or ("\t" if self.format == "tsv" else ",")

    def used_columns(self) -> dict[str, str]:
        """Every column that is read -> the key of the mapping that names it."""
        used = dict.fromkeys(self.call, "call") | dict.fromkeys(self.where, "where")
        for key, one in (("caller", self.caller), ("queue", self.queue), ("source", self.source)):
            used |= dict.fromkeys(one.read if one else (), key)
        used |= {column: key for key, column in self._named() if column}
        for name, one in self.fields.items():
            used |= dict.fromkeys(one.read, f"fields.{name}")
        return used

    def _named(self) -> list[tuple[str, str]]:
        named = [("time.date", self.time.date)]
        named += [(f"durations.{key}", str(getattr(self.durations, key))) for key in ("wait", "talk", "hold", "acw")]
        if self.times is not None:
            named += [(f"times.{moment}", self.times.column(moment)) for moment in MOMENTS]
        if self.outcome is not None:
            named.append(("outcome.column", self.outcome.column))
        if self.rated is not None:
            named += [("rated.column", self.rated.column), ("rated.time", self.rated.time)]
        if self.events is not None:
            named += [("events.column", self.events.column), ("events.time", self.events.time)]
            named += [
                (f"events.words.{word}.{key}", column)
                for word, lines in self.events.words.items()
                for logged in lines
                for key, column in logged.columns.items()
            ]
        return named

    def check_header(self, header: Iterable[str]) -> None:
        """Raise MappingError if a column that the mapping names (and does not call optional) is not in the file."""
        names = [name for name in header if name]
        present = {*names, *self.optional}
        missing = [f"{key}: {column!r}" for column, key in self.used_columns().items() if column not in present]
        if missing:
            title = "; if that is a title above the names, write skip_lines: 1" if len(names) == 1 else ""
            own = f"; change them in {self._own_copy()}" if self.name in built_in() else ""
            raise MappingError(
                f"mapping {self.name} names columns that the file does not have: {', '.join(missing)}; "
                f"the file has: {', '.join(names)}{title}{own}"
            )

    def check_delimiter(self, first: Iterable[str]) -> None:
        """Raise MappingError if the line with the names is one column that another delimiter makes the columns of."""
        line = self.separator.join(first)
        used = {*self.used_columns()}
        cut = {sign: used & {name.strip(' "') for name in line.split(sign)} for sign in (self.separator, *";\t,|")}
        if not cut[self.separator] and (sign := next((sign for sign, found in cut.items() if found), None)):
            own = f" in {self._own_copy()}" if self.name in built_in() else ""
            raise MappingError(
                f"mapping {self.name} reads columns with {json.dumps(self.separator)} between them, the file has "
                f"{json.dumps(sign)}: write delimiter: {json.dumps(sign)}{own}"
            )

    def _own_copy(self) -> str:
        return f"a copy of {_folder() / self.name}.yaml and give that as --mapping"


def built_in() -> list[str]:
    """The names of the mappings that come with Hotline."""
    return sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))


def _folder() -> Any:
    return files("deploy.producers") / "mappings"


def parse(text: str, where: str) -> Mapping:
    """The mapping written in YAML; raises MappingError with one line per problem, each naming its key."""
    try:
        given = yaml_text.parse(text, where)
    except yaml_text.YamlError as error:
        raise MappingError(str(error)) from error
    if not isinstance(given, dict):
        raise MappingError(f"{where} holds no mapping: see {', '.join(built_in())} for an example")
    try:
        return Mapping.model_validate(given)
    except ValidationError as error:
        lines = yaml_text.lines(error, Mapping, "mapping")
        raise MappingError("\n".join(f"{where}: {line}" for line in lines)) from error


def load(name: str) -> Mapping:
    """A built-in mapping by name, or one from a file; raises MappingError."""
    if name in built_in():
        return parse((_folder() / f"{name}.yaml").read_text(encoding="utf-8"), name)
    path = Path(name)
    if not path.is_file():
        raise MappingError(f"{name} is neither a file nor a built-in mapping ({', '.join(built_in())})")
    try:
        return parse(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{name} cannot be read: {error}") from error
