"""A mapping: how the rows of an export are calls. The YAML documents itself in `mappings/anonymous-bank.yaml`."""

import codecs
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from deploy.runtime.settings import TimeZone

RowOutcome = Literal[
    "answered",
    "abandoned",
    "hung_up",
    "flowed_out",
    "callback_taken",
    "ended_in_menu",
    "blocked",
    "phantom",
    "test",
    "nuisance",
]
EventField = Literal[
    "agent",
    "centre",
    "department",
    "category",
    "district",
    "ticket_type",
    "served",
    "language",
    "channel",
    "origin",
    "direction",
    "priority",
    "skill",
    "subject",
    "place",
    "text",
]
Moment = Literal["arrived", "menu_left", "queued", "queue_left", "answered", "ended", "wrapped"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
_WITH_OWN_DATE = ("iso", "epoch_s", "epoch_ms")


class MappingError(ValueError):
    """A mapping that cannot be used; the text names the key and says what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnOf(_Part):
    """One column; a value in `absent` counts as not given."""

    column: Annotated[str, Field(min_length=1)]
    absent: tuple[str, ...] = ()


def _short_form(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _known_codec(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ValueError(f"{name!r} is no encoding that Python knows; write one such as utf-8 or gb18030") from error
    return name


Column = Annotated[ColumnOf, BeforeValidator(_short_form)]


class TimeFormat(_Part):
    """How times are written. `clock` takes the date from the column `date`; other formats carry it."""

    format: Annotated[str, Field(min_length=1)] = "iso"
    date: str = ""
    date_format: str = "%Y-%m-%d"
    never: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _date_where_needed(self) -> Self:
        if self.format == "clock" and not self.date:
            raise ValueError("format clock needs the column with the date: date: <column>")
        if self.format != "clock" and self.date:
            raise ValueError(f"format {self.format} carries its own date: leave out date, or write format: clock")
        if self.format not in {"clock", *_WITH_OWN_DATE} and "%" not in self.format:
            raise ValueError(f"{self.format!r} is neither clock, iso, epoch_s, epoch_ms nor a strptime pattern")
        return self


class Times(_Part):
    """Which column says when what happened, in the order in which it happens."""

    arrived: str
    menu_left: str = ""
    queued: str = ""
    queue_left: str = ""
    answered: str = ""
    ended: str = ""
    wrapped: str = ""

    def column(self, moment: Moment) -> str:
        return str(getattr(self, moment))


class Durations(_Part):
    """Which columns state a duration, all in one unit."""

    unit: Literal["s", "ms", "min", "clock"] = "s"
    wait: str = ""
    talk: str = ""
    hold: str = ""
    acw: str = ""


class Outcomes(_Part):
    """The column that says how the call went, and what its words mean."""

    column: str
    words: Annotated[dict[str, RowOutcome], Field(min_length=1)]

    @model_validator(mode="after")
    def _words_differ(self) -> Self:
        folded = [word.strip().casefold() for word in self.words]
        if len(set(folded)) != len(folded):
            raise ValueError("two words differ only in case or blanks: they cannot be told apart")
        return self


class Mapping(_Part):
    """One kind of export."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    hotline: Annotated[str, Field(min_length=1, max_length=256)]
    zone: TimeZone
    encoding: Annotated[str, AfterValidator(_known_codec)] = "utf-8"
    format: Literal["csv", "tsv", "jsonl"] = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    columns: tuple[str, ...] = ()
    time: TimeFormat = TimeFormat()
    call: Annotated[tuple[str, ...], Field(min_length=1)]
    caller: Column | None = None
    queue: Column | None = None
    times: Times
    durations: Durations = Durations()
    outcome: Outcomes
    fields: dict[EventField, Column] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_call_column(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("call"), str):
            return given | {"call": [given["call"]]}
        return given

    @model_validator(mode="after")
    def _fits_format(self) -> Self:
        if self.format == "jsonl" and (self.delimiter or self.columns):
            raise ValueError("jsonl has neither delimiter nor columns: leave them out")
        return self

    @property
    def separator(self) -> str:
        """What stands between two columns of a csv or tsv file."""
        return self.delimiter or ("\t" if self.format == "tsv" else ",")

    def used_columns(self) -> dict[str, str]:
        """Every column that is read -> the key of the mapping that names it."""
        used = dict.fromkeys(self.call, "call")
        for key, one in (("caller", self.caller), ("queue", self.queue)):
            if one is not None:
                used[one.column] = key
        if self.time.date:
            used[self.time.date] = "time.date"
        named = [(f"times.{moment}", self.times.column(moment)) for moment in MOMENTS]
        named += [(f"durations.{key}", str(getattr(self.durations, key))) for key in ("wait", "talk", "hold", "acw")]
        used |= {column: key for key, column in named if column}
        used[self.outcome.column] = "outcome.column"
        return used | {column.column: f"fields.{name}" for name, column in self.fields.items()}

    def check_header(self, header: Iterable[str]) -> None:
        """Raise MappingError if a column that the mapping names is not in the file."""
        present = list(header)
        missing = [f"{key}: {column!r}" for column, key in self.used_columns().items() if column not in present]
        if missing:
            raise MappingError(
                f"mapping {self.name} names columns that the file does not have: {', '.join(missing)}; "
                f"the file has: {', '.join(present)}"
            )


def built_in() -> list[str]:
    """The names of the mappings that come with Hotline."""
    return sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))


def _folder() -> Any:
    return files("deploy.producers") / "mappings"


def parse(text: str, where: str) -> Mapping:
    """The mapping written in YAML; raises MappingError with one line per problem, each naming its key."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MappingError(f"{where} is no YAML: {error}") from error
    if not isinstance(given, dict):
        raise MappingError(f"{where} holds no mapping: see {', '.join(built_in())} for an example")
    try:
        return Mapping.model_validate(given)
    except ValidationError as error:
        lines = [
            f"{where}: {'.'.join(str(part) for part in problem['loc']) or 'mapping'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise MappingError("\n".join(lines)) from error


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
