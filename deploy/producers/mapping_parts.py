"""The parts of a mapping: columns, times, durations, outcomes, events of a log. YAML keys are the field names."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from deploy.producers.local_times import Fold
from deploy.runtime.section import Section
from streams.contract.events import AgentState

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
Unit = Literal["s", "ms", "min", "day", "clock"]
LoggedType = Literal[
    "arrived",
    "queued",
    "answered",
    "abandoned",
    "flowed_out",
    "transferred",
    "callback_taken",
    "callback_completed",
    "blocked",
    "held",
    "resumed",
    "ended",
    "wrapped",
    "rated",
]
AgentStep = Literal[
    "joins",
    "leaves",
    "pauses",
    "resumes",
    "answers",
    "finishes",
    "rings_out",
    "logs_in",
    "logs_out",
]
_FORMATS = ("clock", "iso", "epoch_s", "epoch_ms", "excel")


class ColumnOf(Section):
    """Where a value comes from: one column, several joined to a path, or `always` the same.

    A value in `absent` counts as not given; `words` puts other words in place of the file's; `split` is
    a text that parts one column into a path (`SW-Trash` by `-` is `SW/Trash`; only its first place counts).
    """

    column: str = ""
    columns: tuple[str, ...] = ()
    always: str = ""
    absent: tuple[str, ...] = ()
    words: dict[str, str] = Field(default_factory=dict)
    split: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.column, self.columns, self.always))) != 1:
            raise ValueError("write one of column, columns (a path) and always (the same for every row)")
        return self

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.columns or ((self.column,) if self.column else ())


def _short_form(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def one_or_more(value: Any) -> Any:
    """YAML may leave out the brackets around one value."""
    return value if isinstance(value, (list, tuple)) else (value,)


Column = Annotated[ColumnOf, BeforeValidator(_short_form)]
Several = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
SeveralNames = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1), BeforeValidator(one_or_more)
]


class TimeFormat(Section):
    """How times are written. `clock` takes the date from the column `date`; other formats carry it.

    Several formats are tried in order. `fold` says which one a time is that the clocks showed twice.
    """

    format: SeveralNames = ("iso",)
    date: str = ""
    date_format: str = "%Y-%m-%d"
    never: tuple[str, ...] = ()
    fold: Fold = "by_order"

    @model_validator(mode="after")
    def _date_where_needed(self) -> Self:
        if self.names("clock") and not self.date:
            raise ValueError("format clock needs the column with the date: date: <column>")
        if not self.names("clock") and self.date:
            raise ValueError(f"format {self.named} carries its own date: leave out date, or write format: clock")
        if len(self.format) > 1 and any(self.names(name) for name in ("clock", "epoch_s", "epoch_ms")):
            raise ValueError("clock, epoch_s and epoch_ms stand alone; other formats may be several")
        for name in self.format:
            if name not in _FORMATS and "%" not in name:
                raise ValueError(f"{name!r} is none of {', '.join(_FORMATS)}, nor a strptime pattern")
        return self

    @property
    def named(self) -> str:
        """The formats for people."""
        return " or ".join(self.format)

    def names(self, name: str) -> bool:
        """Whether a format is among them."""
        return name in self.format


class Times(Section):
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


class Durations(Section):
    """Which columns state a duration, all in one unit (a value `H:MM:SS` says its own)."""

    unit: Unit = "s"
    wait: str = ""
    talk: str = ""
    hold: str = ""
    acw: str = ""


class Outcomes(Section):
    """The column that says how the call went, and what its words mean; or `always` the same outcome."""

    column: str = ""
    words: dict[str, RowOutcome] = Field(default_factory=dict)
    always: RowOutcome | None = None

    @model_validator(mode="after")
    def _words_differ(self) -> Self:
        if (self.always is None) != bool(self.column and self.words):
            raise ValueError("write column and words, or always: <outcome>")
        folded = [word.strip().casefold() for word in self.words]
        if len(set(folded)) != len(folded):
            raise ValueError("two words differ only in case or blanks: they cannot be told apart")
        return self


class Rated(Section):
    """The caller's rating: its column, when it was given (a column of times), and numbers for words."""

    column: Annotated[str, Field(min_length=1)]
    time: str = ""
    words: dict[str, int] = Field(default_factory=dict)


class Logged(Section):
    """What one kind of line of an event log says: an event of a call, something of an agent, or both.

    Of an agent it says a step (`agent`), from whose steps states and skills follow, or the `state` itself.
    `caller`, `reason`, `skills` (queues parted by `,` or `;`) and the durations name columns; `ring` is how long
    the agent's phone rang. `unit` is that of the durations of this line, if another than the mapping's.
    """

    type: LoggedType | None = None
    agent: AgentStep | None = None
    state: AgentState | None = None
    caller: str = ""
    wait: str = ""
    talk: str = ""
    hold: str = ""
    acw: str = ""
    ring: str = ""
    rating: str = ""
    reason: str = ""
    skills: str = ""
    unit: Unit | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.type is None and self.agent is None and self.state is None:
            raise ValueError("write type (an event of the call), agent (a step of the agent) or state (the agent's)")
        if self.agent is not None and self.state is not None:
            raise ValueError("write agent (a step) or state, not both: states follow from steps")
        if self.skills and self.state is None:
            raise ValueError("skills stand beside a state; from steps they follow")
        return self

    @property
    def columns(self) -> dict[str, str]:
        """Key -> column of everything that is read."""
        named = ("caller", "wait", "talk", "hold", "acw", "ring", "rating", "reason", "skills")
        return {key: column for key in named if (column := str(getattr(self, key)))}


class EventLog(Section):
    """An event log: one line says one thing. Words in `ignore` are known and mean nothing here."""

    column: str
    time: str
    words: dict[str, Annotated[tuple[Logged, ...], BeforeValidator(one_or_more)]]
    ignore: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _words_differ(self) -> Self:
        folded = [word.strip().casefold() for word in (*self.words, *self.ignore)]
        if len(set(folded)) != len(folded):
            raise ValueError("a word stands twice (case and blanks do not count)")
        return self

    @property
    def has_agents(self) -> bool:
        """Whether any line is about an agent."""
        return any(logged.agent or logged.state for lines in self.words.values() for logged in lines)
