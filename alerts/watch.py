"""Window rules over `hotline.cells`: cells in, changes of state of alerts out, without I/O.

Rules are judged along the log, whenever the data's clock has moved on by a few seconds, so that reading a
backlog and never having stopped come to the same; what may begin to fire is decided as for signals.
A window is judged only once everything in it was read: a rule that is new waits for its windows to fill.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from alerts.expressions import Comparison, Judgement, Measured, judge, sentence
from alerts.expressions import comparisons as comparisons_of
from alerts.lifecycle import Entry, drop, end_of_feed, fingerprint, hear, wait
from alerts.listening import Listening
from alerts.measures import family, gauge_value, measure
from alerts.observed import Observation
from alerts.outage import Outage
from alerts.promises import Promises
from alerts.rules import Rule
from alerts.state_format import FORMAT, check
from alerts.windows import HOUR_MS, LONGEST_MS, AsOf, CellKey, Windows, bounds
from deploy.runtime.processor import Output, Record
from streams.contract import DIMENSIONS, LIVE, AlertEvent, Cell, CellsRecord, FeedStatus, Forecast, Gauge, Progress
from streams.contract.cells import MINUTE_MS
from streams.contract.topics import ALERTS, UNREADABLE

JUDGE_EVERY_MS = 5_000
BEHIND_EVERY_MS = MINUTE_MS
AGAIN_MS = 2 * MINUTE_MS
"""After a restart so much is judged at the pace at which it was judged before, so that its episodes have the same names."""
WEEK_MS = 7 * 24 * HOUR_MS

_record = msgspec.json.Decoder(CellsRecord)
_event = msgspec.json.Encoder()


class _State(msgspec.Struct, kw_only=True):
    """`feed`: whose cells these are (empty: written before it was kept). `over`: it has ended. `since`: what
    a rule reads -> from when on (ms) all of it is kept. `entries`: alert -> entry; its rule stands in its event. Gauges
    and forecasts by hotline and queue.
    """

    format: int = FORMAT
    clock: int = 0
    feed: str = ""
    generation: int = 0
    over: bool = False
    judged_at: int = 0
    began_at: int | None = None
    since: dict[str, int] = {}
    entries: dict[str, Entry] = {}
    gauges: dict[str, Gauge] = {}
    forecasts: dict[str, dict[int, Forecast]] = {}
    outage: Outage = msgspec.field(default_factory=Outage)


class Watch:
    """A `Processor` for `hotline.cells`: the window rules among `rules`, on the cells of `feed`.

    `since`: where a log that is read from its beginning begins; None: with its first cell.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        feed: str,
        promises: Promises,
        snapshot: Mapping[str, bytes] | None = None,
        *,
        since: int | None = None,
    ) -> None:
        self._feed = feed
        self._promises = promises
        self._outputs: list[Output] = []
        self._listening = Listening()
        self.unreadable = 0
        parts = dict(snapshot or {})
        state = msgspec.msgpack.decode(parts.pop("state"), type=_State) if parts else _State(began_at=since)
        check("the window rules' state has", state.format)
        if _feed_of(state) not in {"", feed}:
            state, parts = self._leave(state), {}
        state.feed = feed
        self._state = state
        self._restored_at = state.clock
        self._adopt(rules, parts)

    def _leave(self, state: _State) -> _State:
        """Begin afresh for another feed: windows and clocks of the old one say nothing of it, and its alerts end."""
        for entry in state.entries.values():
            self._emit(drop(entry, None, "feed_changed")[1])
        return _State()

    @property
    def clock(self) -> int:
        return self._state.clock

    def adopt(self, rules: Sequence[Rule]) -> None:
        """Go on with other rules. What the kept ones read stays; what is new is kept from now on."""
        parts = self._windows.parts()
        self._adopt(rules, parts)

    def _adopt(self, rules: Sequence[Rule], parts: Mapping[str, bytes]) -> None:
        state = self._state
        self._rules = {rule.name: rule for rule in rules if rule.expression is not None}
        reads = {
            rule.name: [c for node in rule.expressions() for c in comparisons_of(node)] for rule in self._rules.values()
        }
        self._families = frozenset(family(c.metric) for told in reads.values() for c in told) - {""}
        past = any(c.reference == "week_ago" for told in reads.values() for c in told)
        self._keep_ms = LONGEST_MS + 2 * HOUR_MS + (WEEK_MS + HOUR_MS if past else 0)
        self._reading = {name: self._what(self._rules[name], told, past=past) for name, told in reads.items()}
        now = state.clock + MINUTE_MS if state.clock else state.began_at or 0
        state.since = {what: state.since.get(what, now) for what in self._reading.values()}
        self._windows = Windows(self._wanted, self._families, parts)
        self._covered: dict[CellKey, list[Rule]] = {}
        for alert, entry in list(state.entries.items()):
            assert entry.event is not None
            rule = self._rules.get(entry.event.rule)
            if rule is None or not rule.match.covers(_key_of(self._feed, _key_told(entry.event))):
                self._settle(alert, *drop(entry, self._listening.time))

    @staticmethod
    def _what(rule: Rule, told: Sequence[Comparison], *, past: bool) -> str:
        """Names what a rule reads, so that a change of its limits does not begin its windows anew."""
        families = sorted({family(comparison.metric) for comparison in told})
        return f"{rule.match.model_dump_json(exclude_defaults=True)}{families}{'week' if past else ''}"

    def _wanted(self, key: CellKey) -> bool:
        return bool(self._rules_on(key))

    def _rules_on(self, key: CellKey) -> list[Rule]:
        covered = self._covered.get(key)
        if covered is None:
            seen = _key_of(self._feed, key)
            covered = self._covered[key] = [rule for rule in self._rules.values() if rule.match.covers(seen)]
        return covered

    def apply(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                told = _record.decode(record.value or b"")
            except UNREADABLE:
                self.unreadable += 1
                continue
            if self._is_of_this_run(told):
                self._take(told)
            self._listening.written_at = max(self._listening.written_at, record.timestamp)
            self._judge_if_due()

    def _take(self, told: CellsRecord) -> None:
        state = self._state
        match told:
            case FeedStatus(feed=feed, state="ended") if feed == self._feed:
                self._end()
                state.over = True
            case Cell(feed=feed) if feed == self._feed:
                if state.began_at is None:
                    self._begin(told.minute + MINUTE_MS)
                self._windows.take(told)
                if self._feed != LIVE:
                    state.clock = max(state.clock, told.minute)
            case Gauge(feed=feed) if feed == self._feed:
                state.gauges[f"{told.hotline}/{told.queue}"] = told
                state.clock = max(state.clock, told.at)
            case Forecast(feed=feed) if feed == self._feed:
                days = state.forecasts.setdefault(f"{told.hotline}/{told.queue}", {})
                days[told.start] = told
                while len(days) > 3:
                    del days[min(days)]
            case Progress(data_as_of=int() as at) if self._feed == LIVE:
                state.clock = max(state.clock, at)

    def _is_of_this_run(self, told: CellsRecord) -> bool:
        """Whether it is not of an earlier run of the feed; with a later one all begins anew."""
        state = self._state
        if not isinstance(told, Cell | FeedStatus) or told.feed != self._feed:
            return True
        if told.generation > state.generation:
            self._end()
            since = dict.fromkeys(state.since, 0)
            self._state = _State(feed=told.feed, generation=told.generation, since=since, outage=state.outage)
            self._windows.clear()
        return told.generation >= self._state.generation

    def _end(self) -> None:
        """End all alerts with their feed, or with the run of it that another one replaces."""
        clock = self._state.clock
        for alert, entry in list(self._state.entries.items()):
            self._settle(alert, *end_of_feed(entry, clock, max(clock, entry.version), self._listening.time))

    def _begin(self, at: int) -> None:
        self._state.began_at = at
        self._state.since = dict.fromkeys(self._state.since, at)

    def tick(self, now: int, *, caught_up: bool) -> None:
        self._listening.tick(now, caught_up=caught_up)
        self._judge_if_due()
        if time := self._listening.time:
            self._emit(self._state.outage.tick(now, caught_up=caught_up, source="windows"))
            for alert, entry in list(self._state.entries.items()):
                assert entry.event is not None
                self._settle(alert, *wait(entry, self._rules[entry.event.rule], time))

    def outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def snapshot(self) -> dict[str, bytes]:
        return {"state": msgspec.msgpack.encode(self._state)} | self._windows.parts()

    def firing(self) -> list[AlertEvent]:
        """The alerts that are firing, oldest first."""
        events = [e.event for e in self._state.entries.values() if e.event is not None and e.event.state == "firing"]
        return sorted(events, key=lambda event: (event.started_at, event.fingerprint))

    def _judge_if_due(self) -> None:
        state = self._state
        again = state.clock - self._restored_at <= AGAIN_MS
        every = JUDGE_EVERY_MS if self._listening.time or again else BEHIND_EVERY_MS
        if not self._rules or state.over or state.clock - state.judged_at < every or state.began_at is None:
            return
        state.judged_at = state.clock
        for key in self._windows.known() | self._gauge_keys():
            for rule in self._rules_on(key):
                self._judge(rule, key)
        self._windows.prune(state.clock - self._keep_ms)

    def _gauge_keys(self) -> set[CellKey]:
        told = self._state.gauges.values()
        return {
            CellKey(g.hotline, g.dimension_set, tuple(g.queue if name == "queue" else "" for name in DIMENSIONS))
            for g in told
        }

    def _judge(self, rule: Rule, key: CellKey) -> None:
        seen = _key_of(self._feed, key)
        alert = fingerprint(rule, seen)
        entry = self._state.entries.get(alert) or Entry()
        begun = entry.state != "quiet"
        observation = self._observe(rule, key, entry)
        if not begun and not rule.met(observation, begun=False):
            return
        # An alert begins with the first judgement that finds it so: `for_s` counts from there.
        written_at, time = self._listening.written_at, self._listening.time
        heard, changes = hear(entry, observation, written_at, rule, time)
        self._state.outage.hear(entry, changes, rule, written_at, time)
        self._settle(alert, heard, changes)

    def _observe(self, rule: Rule, key: CellKey, entry: Entry) -> Observation:
        assert rule.expression is not None
        clock = self._state.clock
        begun = entry.state != "quiet"

        def look(comparison: Comparison) -> Measured:
            return self._look(rule, key, comparison)

        judged = judge(rule.expression, look, begun=begun)
        steps = tuple(
            step.expression is not None and judge(step.expression, look, begun=False).met for step in rule.steps
        )
        since = entry.held_since if entry.state == "pending" else clock
        return _observation(self._feed, key, judged, at=clock, since=since, steps=steps)

    def _look(self, rule: Rule, key: CellKey, comparison: Comparison) -> Measured:
        clock, named = self._state.clock, key.named()
        promise = self._promises(key.hotline, named.get("queue", ""), clock)
        if comparison.window == "now":
            gauge = self._state.gauges.get(f"{key.hotline}/{named.get('queue', '')}")
            value = gauge_value(comparison.metric, gauge, clock)
            return Measured(value, None, gauge.waiting if gauge else 0)
        past = comparison.reference == "week_ago"
        as_of: AsOf = "closed" if past else "now"
        begin, end = bounds(comparison.window, clock, promise.zone, as_of)
        known_since = self._state.since[self._reading[rule.name]]
        if begin < known_since:
            return Measured(None, None, 0)
        threshold_s = promise.threshold_s if comparison.threshold_s is None else comparison.threshold_s
        counts = self._windows.counts(key, comparison.window, clock, promise.zone, as_of)
        value_or_none = measure(comparison.metric, counts, threshold_s)
        reference: float | None = None
        if comparison.reference == "target":
            reference = promise.target
        elif comparison.reference == "expected":
            reference = self._expected(key, begin, min(end, clock))
        elif past and bounds(comparison.window, clock, promise.zone, "week_ago")[0] >= known_since:
            before = self._windows.counts(key, comparison.window, clock, promise.zone, "week_ago")
            reference = measure(comparison.metric, before, threshold_s)
        return Measured(value_or_none, reference, counts.get("offered", 0))

    def _expected(self, key: CellKey, begin: int, end: int) -> float | None:
        """Visits expected in [begin, end); None where no forecast covers all of it."""
        if key.dimension_set not in {"hotline", "queue"}:
            return None
        total, covered = 0.0, 0
        for day in self._state.forecasts.get(f"{key.hotline}/{key.named().get('queue', '')}", {}).values():
            step = day.step_s * 1000
            first = max(0, (begin - day.start) // step)
            for number in range(first, min(len(day.expected), -(-(end - day.start) // step))):
                at = day.start + number * step
                overlap = min(end, at + step) - max(begin, at)
                if overlap > 0:
                    total += day.expected[number] * overlap / step
                    covered += overlap
        return total if covered == end - begin else None

    def _settle(self, alert: str, entry: Entry, changes: Sequence[AlertEvent]) -> None:
        self._emit(changes)
        if entry.state == "quiet":
            self._state.entries.pop(alert, None)
        else:
            self._state.entries[alert] = entry

    def _emit(self, changes: Sequence[AlertEvent]) -> None:
        self._outputs += [Output(ALERTS, event.fingerprint.encode(), _event.encode(event)) for event in changes]


def _feed_of(state: _State) -> str:
    return state.feed or next((entry.event.feed for entry in state.entries.values() if entry.event), "")


def _observation(
    feed: str,
    key: CellKey,
    judged: Judgement,
    *,
    at: int,
    since: int,
    steps: tuple[bool, ...],
) -> Observation:
    """What was found of a key."""
    comparison, (value, reference, _), _ = judged.telling
    target = reference if comparison.reference == "target" else None
    return replace(
        _key_of(feed, key),
        active=judged.met,
        at=at,
        since=since,
        version=at,
        value=value or 0,
        volume=judged.volume,
        expected=reference if target is None else None,
        target=target,
        summary=sentence(judged.telling),
        steps=steps,
    )


def _key_told(event: AlertEvent) -> CellKey:
    """The key that an alert is about, by its labels."""
    values = tuple(event.labels.get(name, "") for name in DIMENSIONS)
    return CellKey(event.hotline, event.labels.get("dimension_set", ""), values)


def _key_of(feed: str, key: CellKey) -> Observation:
    """The key alone, of which nothing was found."""
    named = key.named()
    return Observation(
        feed=feed,
        hotline=key.hotline,
        dimension_set=key.dimension_set,
        queue=named.pop("queue", ""),
        category=named.pop("category", ""),
        source=named.pop("source", ""),
        dimensions=named,
        active=False,
        at=0,
        since=0,
        version=0,
        value=0,
    )
