"""What a row that is a whole call says happened to it, as events. Pure; the outcome word decides."""

from collections.abc import Callable
from collections.abc import Mapping as Dict
from datetime import date
from typing import Any

from deploy.producers.mapping import Mapping
from deploy.producers.mapping_parts import MOMENTS, Moment, Outcomes, RowOutcome, Times
from deploy.producers.mapping_times import TimeReader, UnreadableError, masked, one_digit_hour
from deploy.producers.mapping_values import RejectedError, Values
from streams.contract import CallEvent, EventType
from streams.contract.events import FLAGS

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


class CallRow:
    """Reads rows of which each is a call, by `times` and `outcome`."""

    def __init__(self, mapping: Mapping, times: TimeReader, common: dict[str, Any]) -> None:
        assert mapping.times is not None
        assert mapping.outcome is not None
        self._mapping = mapping
        self._times: Times = mapping.times
        self._outcomes: Outcomes = mapping.outcome
        self._words: Dict[str, RowOutcome] = {w.strip().casefold(): o for w, o in mapping.outcome.words.items()}
        self._reader = times
        self._common = common

    def read(self, values: Values) -> tuple[RowOutcome, list[CallEvent]]:
        """The row's outcome (`hung_up` resolved) and its events; raises RejectedError."""
        call, source = values.call(), values.source()
        outcome = self._outcome(values)
        at = self._moments(outcome, values)
        if outcome == "hung_up":
            outcome = "abandoned" if "queued" in at else "ended_in_menu"

        def event(type_: EventType, time: int, **more: Any) -> CallEvent:
            return CallEvent(type=type_, time=time, call=call, source=source, **self._common, **more)

        arrived = event("arrived", at["arrived"], **values.described(), flag=_flag(outcome))
        events = [arrived, *self._rest(outcome, at, values, event)]
        self._rate(values, events, event)
        return outcome, events

    def _rest(
        self, outcome: RowOutcome, at: dict[Moment, int], values: Values, event: Callable[..., CallEvent]
    ) -> list[CallEvent]:
        left_menu = at.get("menu_left", at["arrived"])
        if outcome == "blocked":
            return [event("blocked", at["arrived"])]
        if outcome == "ended_in_menu":
            return [event("ended", left_menu)]
        if outcome == "answered":
            return self._served(at, left_menu, values, event)
        if outcome in {"abandoned", "flowed_out", "callback_taken"}:
            queued, wait = at.get("queued", left_menu), values.duration(self._mapping.durations.wait)
            left = at.get("queue_left", queued + (wait or 0))
            queue = values.queue()
            return [event("queued", queued, queue=queue), event(outcome, left, queue=queue, wait_ms=wait)]
        return []

    def _served(
        self, at: dict[Moment, int], left_menu: int, values: Values, event: Callable[..., CallEvent]
    ) -> list[CallEvent]:
        """Queued, answered, ended, wrapped. Without a queue start the call was queued and answered at once."""
        queue, agent, columns = values.queue(), values.agent(), self._mapping.durations
        wait, talk = values.duration(columns.wait), values.duration(columns.talk)
        hold, acw = values.duration(columns.hold), values.duration(columns.acw)
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

    def _rate(self, values: Values, events: list[CallEvent], event: Callable[..., CallEvent]) -> None:
        """Add the caller's rating: at its own time, or with the last of the call's events. It rejects no row."""
        spec = self._mapping.rated
        rating = values.rating(spec.column, spec.words) if spec else None
        if spec is None or rating is None:
            return
        at, text = int(events[-1].time), values.text(spec.time)
        if text and not self._reader.is_never(text):
            try:
                at, repairs = self._reader.next(text, None, at)
            except UnreadableError:
                values.not_understood.add(spec.time)
            else:
                values.repairs.update(repairs)
        events.append(event("rated", at, rating=rating))

    def _outcome(self, values: Values) -> RowOutcome:
        if self._outcomes.always is not None:
            return self._outcomes.always
        word = values.text(self._outcomes.column)
        outcome = self._words.get(word.casefold())
        if outcome is None:
            known = ", ".join(self._outcomes.words)
            raise RejectedError("no_type", f"{masked(word)} in {self._outcomes.column} is none of the words {known}")
        return outcome

    def _moments(self, outcome: RowOutcome, values: Values) -> dict[Moment, int]:
        """The times of a row, epoch ms; each is read against the one before it."""
        spec = self._mapping.time
        try:
            day = self._reader.day(values.text(spec.date)) if spec.date else None
            at = {"arrived": self._first(day, values)}
            previous = at["arrived"]
            for moment in MOMENTS:
                if moment not in _MOMENTS[outcome]:
                    continue
                text = values.text(self._times.column(moment))
                if not text:
                    continue
                if self._reader.is_never(text):
                    values.repairs.add("sentinel_time")
                    continue
                self._notice_hour(text, values)
                previous, repairs = self._reader.next(text, day, previous)
                values.repairs.update(repairs)
                at[moment] = previous
        except UnreadableError as error:
            raise RejectedError("no_time", str(error)) from error
        return at  # type: ignore[return-value]  # the keys are moments

    def _first(self, day: date | None, values: Values) -> int:
        text = values.text(self._times.arrived)
        self._notice_hour(text, values)
        at, repairs = self._reader.first(text, day)
        values.repairs.update(repairs)
        return at

    def _notice_hour(self, text: str, values: Values) -> None:
        if self._mapping.time.names("clock") and one_digit_hour(text):
            values.repairs.add("one_digit_hour")


def _flag(outcome: RowOutcome) -> Any:
    return outcome if outcome in FLAGS else None
