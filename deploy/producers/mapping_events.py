"""What a row says happened to its call, as events. Pure; the outcome word decides."""

from collections.abc import Callable
from collections.abc import Mapping as Dict
from datetime import date
from typing import Any

import msgspec

from deploy.producers.mapping import MOMENTS, ColumnOf, Mapping, Moment, RowOutcome
from deploy.producers.mapping_times import TimeReader, UnreadableError, duration_ms, one_digit_hour, step_back
from streams.contract import CallEvent, EventType, RejectionKind, RepairKind
from streams.contract.events import MAX_EVENT_BYTES

MAX_DURATION_MS = 7 * 86_400_000
_LONGEST = {"subject": 4_096, "place": 4_096, "text": 32_768}
_LONGEST_NAME = 256

# The moments that a row of each outcome has besides `arrived`; others are not looked at.
_WAITING: tuple[Moment, ...] = ("menu_left", "queued", "queue_left")
_MOMENTS: dict[RowOutcome, tuple[Moment, ...]] = {
    "answered": (*_WAITING, "answered", "ended", "wrapped"),
    "abandoned": _WAITING,
    "flowed_out": _WAITING,
    "callback_taken": _WAITING,
    "hung_up": _WAITING,
    "ended_in_menu": ("menu_left",),
    "blocked": (),
    "phantom": (),
    "test": (),
    "nuisance": (),
}


class RejectedError(Exception):
    """A row whose call, outcome, times or durations cannot be read; the text says why, without personal data."""

    def __init__(self, kind: RejectionKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Row:
    """One row with the right number of columns. `repairs` fills while it is read."""

    def __init__(self, mapping: Mapping, times: TimeReader, values: Dict[str, str]) -> None:
        self._mapping = mapping
        self._reader = times
        self._values = values
        self.repairs: set[RepairKind] = set()

    def read(
        self, words: Dict[str, RowOutcome], feed: str, generation: int
    ) -> tuple[RowOutcome, tuple[CallEvent, ...]]:
        """The row's outcome (`hung_up` resolved) and its events; raises RejectedError."""
        call = "-".join(self._name(column) for column in self._mapping.call)
        if not all(self._value(column) for column in self._mapping.call):
            raise RejectedError("no_call", f"no value in {' or '.join(self._mapping.call)}")
        outcome = self._outcome(words)
        at = self._moments(outcome)
        if outcome == "hung_up":
            outcome = "abandoned" if "queued" in at else "ended_in_menu"
        common: dict[str, Any] = {
            "hotline": self._mapping.hotline,
            "source": self._mapping.name,
            "feed": feed,
            "generation": generation,
            "call": call,
        }

        def event(type_: EventType, time: int, **more: Any) -> CallEvent:
            return CallEvent(type=type_, time=time, **common, **more)

        arrived = event("arrived", at["arrived"], **self._described(), flag=_flag(outcome))
        if len(msgspec.json.encode(arrived)) > MAX_EVENT_BYTES:
            raise RejectedError("too_large", f"more than {MAX_EVENT_BYTES} bytes")
        return outcome, (arrived, *self._rest(outcome, at, event))

    def _rest(self, outcome: RowOutcome, at: dict[Moment, int], event: Callable[..., CallEvent]) -> list[CallEvent]:
        left_menu = at.get("menu_left", at["arrived"])
        if outcome == "blocked":
            return [event("blocked", at["arrived"])]
        if outcome == "ended_in_menu":
            return [event("ended", left_menu)]
        if outcome == "answered":
            return self._served(at, left_menu, event)
        if outcome in {"abandoned", "flowed_out", "callback_taken"}:
            queued, wait = at.get("queued", left_menu), self._duration("wait")
            left = at.get("queue_left", queued + (wait or 0))
            queue = self._queue()
            return [event("queued", queued, queue=queue), event(outcome, left, queue=queue, wait_ms=wait)]
        return []

    def _served(self, at: dict[Moment, int], left_menu: int, event: Callable[..., CallEvent]) -> list[CallEvent]:
        """Queued, answered, ended, wrapped. Without a queue start the call was queued and answered at once."""
        queue, agent = self._queue(), self._described_agent()
        wait, talk = self._duration("wait"), self._duration("talk")
        hold, acw = self._duration("hold"), self._duration("acw")
        queued = at.get("queued")
        if queued is None:
            queued = answered = at.get("answered", at.get("queue_left", left_menu))
            wait = 0
        else:
            answered = at.get("answered", at.get("queue_left", queued + (wait or 0)))
        events = [event("queued", queued, queue=queue)]
        events.append(event("answered", answered, queue=queue, agent=agent, wait_ms=wait))
        ended = at.get("ended")
        if ended is None and talk is not None:
            ended = answered + talk + (hold or 0)
        if ended is not None:
            events.append(event("ended", ended, queue=queue, talk_ms=talk, hold_ms=hold))
            if "wrapped" in at or acw is not None:
                events.append(event("wrapped", at.get("wrapped", ended + (acw or 0)), queue=queue, acw_ms=acw))
        return events

    def _outcome(self, words: Dict[str, RowOutcome]) -> RowOutcome:
        word = self._value(self._mapping.outcome.column)
        outcome = words.get(word.casefold())
        if outcome is None:
            known = ", ".join(self._mapping.outcome.words)
            raise RejectedError("no_type", f"{self._mapping.outcome.column} has none of the words {known}")
        return outcome

    def _moments(self, outcome: RowOutcome) -> dict[Moment, int]:
        """The times of a row, epoch ms; each is read against the one before it."""
        spec = self._mapping.time
        try:
            day = self._reader.day(self._value(spec.date)) if spec.date else None
            at = {"arrived": self._first(day)}
            previous = at["arrived"]
            for moment in MOMENTS:
                if moment not in _MOMENTS[outcome]:
                    continue
                column = self._mapping.times.column(moment)
                text = self._value(column) if column else ""
                if not text:
                    continue
                if self._reader.is_never(text):
                    self.repairs.add("sentinel_time")
                    continue
                self._notice_hour(text)
                previous, repairs = self._reader.next(text, day, previous)
                self.repairs.update(repairs)
                at[moment] = previous
        except UnreadableError as error:
            raise RejectedError("no_time", str(error)) from error
        return at  # type: ignore[return-value]  # the keys are moments

    def _first(self, day: date | None) -> int:
        text = self._value(self._mapping.times.arrived)
        self._notice_hour(text)
        return self._reader.first(text, day)

    def _notice_hour(self, text: str) -> None:
        if self._mapping.time.format == "clock" and one_digit_hour(text):
            self.repairs.add("one_digit_hour")

    def _duration(self, name: str) -> int | None:
        column = getattr(self._mapping.durations, name)
        text = self._value(column) if column else ""
        if not text:
            return None
        try:
            found = duration_ms(text, self._mapping.durations.unit)
        except UnreadableError as error:
            raise RejectedError("schema", f"{column}: {error}") from error
        if found > MAX_DURATION_MS:
            raise RejectedError("schema", f"{column}: longer than 7 days")
        self.repairs.update(step_back(found))
        return max(0, found)

    def _value(self, column: str) -> str:
        value = self._values[column]
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise RejectedError("encoding", f"{column} is not {self._mapping.encoding}") from None
        stripped = value.strip()
        if stripped != value:
            self.repairs.add("whitespace")
        return stripped

    def _name(self, column: str, longest: int = _LONGEST_NAME) -> str:
        value = self._value(column)
        if len(value) > longest:
            raise RejectedError("too_large", f"{column} has more than {longest} characters")
        return value

    def _optional(self, spec: ColumnOf | None, longest: int = _LONGEST_NAME) -> str:
        if spec is None:
            return ""
        value = self._name(spec.column, longest)
        return "" if value in spec.absent else value

    def _queue(self) -> str:
        return self._optional(self._mapping.queue)

    def _described_agent(self) -> str:
        return self._optional(self._mapping.fields.get("agent"))

    def _described(self) -> dict[str, str]:
        """The caller and what else describes the call; the agent stands on `answered`."""
        described = {"caller": self._optional(self._mapping.caller)}
        for name, spec in self._mapping.fields.items():
            if name != "agent":
                described[name] = self._optional(spec, _LONGEST.get(name, _LONGEST_NAME))
        return described


def _flag(outcome: RowOutcome) -> Any:
    return outcome if outcome in {"phantom", "test", "nuisance"} else None
