"""Unit tests of rules, in YAML: given these cells and signals, expect these alerts at these times.

```yaml
hotlines: {"12345": {time_zone: Asia/Shanghai, target: 0.8, thresholds_s: [15]}}   # else as the settings say
tests:
  - name: half of the calls are lost
    start: 2026-11-23T08:00:00+08:00
    cells:                                      # a count per minute from `start` on: `10x5` five times, `_` none
      - {hotline: "12345", queue: utilities, counts: {offered: "10x30", answered: "10x10 5x20"}}
    signals:                                    # fields of a signal, told at `from_s` and each 10 s until `to_s`
      - {from_s: 60, to_s: 300, kind: waiting_past_threshold, hotline: "12345", queue: water, value: 5, volume: 20}
    expect:                                     # all alerts firing at that time, of the rules under test
      - {at_s: 300, alerts: []}
      - {at_s: 1500, alerts: [{rule: AnswerRateLow, queue: utilities, severity: warning}]}
```
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import AwareDatetime, Field, field_validator, model_validator

from alerts.core import Alerts
from alerts.promises import Promise, Promises, promise_of
from alerts.rules import Rule, Severity
from alerts.rules_file import RulesError, parse, read_text
from alerts.watch import Watch
from deploy.runtime.processor import Record
from deploy.runtime.section import Section
from deploy.runtime.settings import Hotline
from streams.contract import COUNTERS, DIMENSIONS, LIVE, AlertEvent, Cell, CellsRecord, Gauge, Signal
from streams.contract.cells import progress_to

MINUTE_S = 60
STEP_S = 5
AGAIN_S = 10

_SERIES = re.compile(r"^(\d+|_)(?:x(\d+))?$")
_json = msgspec.json.Encoder().encode


def series(text: str) -> list[int | None]:
    """`10 5x3 _` is 10, 5, 5, 5, nothing. Raises ValueError."""
    numbers: list[int | None] = []
    for word in text.split():
        found = _SERIES.match(word)
        if found is None:
            raise ValueError(f"{word!r}: write numbers of whole calls, `10x5` for five minutes of 10, `_` for none")
        number, times = found.groups()
        numbers += [None if number == "_" else int(number)] * int(times or 1)
    return numbers


class CellSeries(Section):
    """What was counted of one key from the start on (or `from_minute` after it), minute by minute."""

    hotline: str
    dimension_set: str = ""
    dimensions: dict[str, str] = Field(default_factory=dict)
    queue: str = ""
    from_minute: int = 0
    counts: dict[str, str]

    @field_validator("counts", mode="before")
    @classmethod
    def _numbers_as_text(cls, counts: Any) -> Any:
        return {k: str(v) for k, v in counts.items()} if isinstance(counts, dict) else counts

    @model_validator(mode="after")
    def _known(self) -> "CellSeries":
        for name, text in self.counts.items():
            if name.partition(".")[0] not in COUNTERS:
                raise ValueError(f"counts.{name}: no counter; there are {', '.join(COUNTERS)}")
            series(text)
        if unknown := sorted(self.dimensions.keys() - set(DIMENSIONS)):
            raise ValueError(f"dimensions.{unknown[0]}: no dimension; there are {', '.join(DIMENSIONS)}")
        return self

    def cells(self, start: int, feed: str) -> Iterator[Cell]:
        by_minute: dict[int, dict[str, int]] = {}
        for name, text in self.counts.items():
            for minute, number in enumerate(series(text)):
                if number is not None:
                    by_minute.setdefault(self.from_minute + minute, {})[name] = number
        named = self.dimensions | ({"queue": self.queue} if self.queue else {})
        known = self.dimension_set or ("hotline" if not named else "_".join(named))
        for minute, counts in sorted(by_minute.items()):
            at = start + minute * MINUTE_S * 1000
            bare = Cell(feed=feed, hotline=self.hotline, dimension_set=known, minute=at, version=1, counts=counts)
            yield msgspec.structs.replace(bare, **named)


class SignalSpan(Section, extra="allow"):
    """A signal that is active from `from_s` to before `to_s` after the start; its other fields as they are."""

    from_s: int
    to_s: int

    @model_validator(mode="after")
    def _is_a_signal(self) -> "SignalSpan":
        self.signal(0, 0, LIVE)
        return self

    def signal(self, at_s: int, start: int, feed: str) -> Signal:
        """As it is told `at_s` after the start. Raises ValueError for fields that are no signal's."""
        told: dict[str, Any] = {"feed": feed, "dimension_set": "queue", "value": 0} | dict(self.model_extra or {})
        if unknown := sorted(told.keys() - set(Signal.__struct_fields__)):
            raise ValueError(f"{unknown[0]}: no such field of a signal")
        key = "/".join(str(told.get(name, "")) for name in ("kind", "hotline", "queue", "category", "source"))
        at = start + at_s * 1000
        told |= {
            "fingerprint": key,
            "active": at_s < self.to_s,
            "at": at,
            "since": start + min(at_s, self.from_s if at_s < self.to_s else self.to_s) * 1000,
            "version": at,
        }
        try:
            return msgspec.convert(told, Signal)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error


class ExpectedAlert(Section):
    """An alert that fires; what is left out is not compared."""

    rule: str
    hotline: str | None = None
    queue: str | None = None
    category: str | None = None
    severity: Severity | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    summary: dict[str, str] = Field(default_factory=dict)

    def is_of(self, event: AlertEvent) -> bool:
        same = all(
            wanted is None or wanted == getattr(event, name)
            for name, wanted in (
                ("rule", self.rule),
                ("hotline", self.hotline),
                ("queue", self.queue),
                ("category", self.category),
                ("severity", self.severity),
            )
        )
        return same and self.labels.items() <= event.labels.items() and self.summary.items() <= event.summary.items()

    def __str__(self) -> str:
        return " ".join(f"{k}={v}" for k, v in self.model_dump(exclude_unset=True).items())


class Moment(Section):
    at_s: Annotated[int, Field(ge=0)]
    alerts: tuple[ExpectedAlert, ...]


class RuleTest(Section):
    """One test. `rules`: the rules it is about (none: all)."""

    name: str
    start: AwareDatetime
    rules: tuple[str, ...] = ()
    cells: tuple[CellSeries, ...] = ()
    gauges: tuple[dict[str, Any], ...] = ()
    signals: tuple[SignalSpan, ...] = ()
    expect: Annotated[tuple[Moment, ...], Field(min_length=1)]

    @field_validator("start")
    @classmethod
    def _whole_minute(cls, start: Any) -> Any:
        if start.timestamp() % MINUTE_S:
            raise ValueError("begin with a whole minute: cells are minutes")
        return start

    @field_validator("gauges")
    @classmethod
    def _are_gauges(cls, gauges: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for told in gauges:
            try:
                _gauge(told, 0, LIVE)
            except (msgspec.ValidationError, TypeError, KeyError) as error:
                raise ValueError(f"at_s and fields of a gauge: {error}") from error
        return gauges


class TestsFile(Section):
    tests: tuple[RuleTest, ...]
    hotlines: dict[str, Hotline] = Field(default_factory=dict)

    def promises(self, otherwise: Promises) -> Promises:
        """What the file says of its hotlines, else what the settings say."""

        def promise(hotline: str, queue: str, at: int) -> Promise:
            told = self.hotlines.get(hotline)
            return otherwise(hotline, queue, at) if told is None else promise_of(told, queue, at)

        return promise


class Failure(NamedTuple):
    """`at_s` after the start of test `test`: what was expected and did not fire, and the other way round."""

    test: str
    at_s: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def load_tests(path: Path) -> TestsFile:
    """The tests of a file. Raises RulesError with one line per problem."""
    if not path.is_file():
        raise RulesError(f"{path}: no such file")
    otherwise = "write `tests:` and below it a list of tests"
    return parse(TestsFile, read_text(path), str(path), "test", otherwise=otherwise)


def run_test(test: RuleTest, rules: Sequence[Rule], promises: Promises) -> list[Failure]:
    """Play a test against the real lifecycle, second by second; what did not come as expected."""
    tested = [rule for rule in rules if not test.rules or rule.name in test.rules]
    if unknown := sorted(set(test.rules) - {rule.name for rule in rules}):
        return [Failure(test.name, 0, (f"rule {unknown[0]}: there is none of this name",), ())]
    start = round(test.start.timestamp() * 1000)
    play = _Play(test, tested, promises, start)
    failures = []
    for moment in sorted(test.expect, key=lambda moment: moment.at_s):
        fired = play.until(moment.at_s)
        left = list(fired)
        missing = []
        for wanted in moment.alerts:
            found = next((event for event in left if wanted.is_of(event)), None)
            if found is None:
                missing.append(str(wanted))
            else:
                left.remove(found)
        if missing or left:
            failures.append(Failure(test.name, moment.at_s, tuple(missing), tuple(_told(event) for event in left)))
    return failures


class _Play:
    """Both lifecycles under one test's clock; cells of a minute are told when it ends."""

    def __init__(self, test: RuleTest, rules: Sequence[Rule], promises: Promises, start: int) -> None:
        self._start = start
        self._signals = Alerts(rules, LIVE)
        self._cells = Watch(rules, LIVE, promises, since=0)
        self._offset = 0
        self._at_s = -STEP_S
        self._events: dict[str, AlertEvent] = {}
        told: list[tuple[int, Callable[[], None]]] = []
        cells = [cell for made in test.cells for cell in made.cells(start, LIVE)]
        told += [((cell.minute - start) // 1000 + MINUTE_S - STEP_S, self._telling(cell)) for cell in cells]
        told += [(int(it["at_s"]), self._telling(_gauge(it, start, LIVE))) for it in test.gauges]
        told += [
            (at_s, self._signalling(span.signal(at_s, start, LIVE)))
            for span in test.signals
            for at_s in (*range(span.from_s, span.to_s, AGAIN_S), span.to_s)
        ]
        self._told = sorted(told, key=lambda entry: entry[0])

    def until(self, at_s: int) -> list[AlertEvent]:
        """Go on to `at_s`; the alerts that fire then."""
        while self._at_s < at_s:
            self._at_s = min(at_s, self._at_s + STEP_S)
            now = self._start + self._at_s * 1000
            for processor in (self._signals, self._cells):
                processor.tick(now, caught_up=True)
            while self._told and self._told[0][0] <= self._at_s:
                self._told.pop(0)[1]()
            self._tell(progress_to(now))
            for processor in (self._signals, self._cells):
                processor.tick(now, caught_up=True)
                for output in processor.outputs():
                    event = msgspec.json.decode(output.value, type=AlertEvent)
                    self._events[event.fingerprint] = event
        return [event for event in self._events.values() if event.state == "firing"]

    def _telling(self, record: CellsRecord) -> Callable[[], None]:
        return lambda: self._tell(record)

    def _tell(self, record: CellsRecord) -> None:
        self._cells.apply([self._record(_json(record))])

    def _signalling(self, signal: Signal) -> Callable[[], None]:
        return lambda: self._signals.apply([self._record(_json(signal))])

    def _record(self, value: bytes) -> Record:
        self._offset += 1
        return Record(self._offset, self._start + self._at_s * 1000, b"", value)


def _gauge(told: Mapping[str, Any], start: int, feed: str) -> Gauge:
    fields = dict(told)
    at = start + int(fields.pop("at_s")) * 1000
    if oldest := fields.pop("oldest_wait_s", None):
        fields["oldest_queued_at"] = at - int(oldest) * 1000
    known = {"dimension_set": "queue" if fields.get("queue") else "hotline", "threshold_s": 0}
    return msgspec.convert(known | fields | {"feed": feed, "at": at, "version": at}, Gauge)


def _told(event: AlertEvent) -> str:
    parts = {"rule": event.rule, "severity": event.severity, "hotline": event.hotline, "queue": event.queue}
    sentence = event.summary.get("en", "")
    return " ".join(f"{k}={v}" for k, v in parts.items() if v) + (f" ({sentence})" if sentence else "")
