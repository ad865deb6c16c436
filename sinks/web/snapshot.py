"""What the wallboard shows at one moment, as plain data. Pure: board, settings and `now` in, dicts out.

Times are epoch ms, spans seconds, rates fractions; None is "no value". The page formats, it does not count.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import msgspec

from deploy.runtime.settings import Settings
from sinks.web.board import Key
from sinks.web.expected import Range, bands, expect, versus
from sinks.web.judge import ORDER, STALE_S, Blame, Figures, Verdict, blame_of, is_breach, judge, kind_of
from sinks.web.limited_board import LimitedBoard, Readable, events_of_day, silences
from sinks.web.rolling import WINDOWS, bounds
from sinks.web.sources import heard
from streams.contract import DIMENSIONS, LIVE, AlertEvent, Forecast, Gauge, Signal
from streams.contract.cells import MINUTE_MS
from streams.contract.local_days import local_day
from streams.contract.metrics import rates, ratio, service_level_parts

VERSUS_MS = 30 * MINUTE_MS
SPARK_MS, SPARK_CELLS = 5 * MINUTE_MS, 24
DAY_STEP_MS = 15 * MINUTE_MS
CATCHING_UP_MS = 5_000
SHOWN_CONDITIONS = 2
LISTED_CONDITIONS = 200

Snapshot = dict[str, Any]


def choose_hotline(board: Readable, settings: Settings) -> str:
    """The hotline on the board: the one set, else the first configured, else the first seen ("": none yet)."""
    names = (*([settings.web.hotline] if settings.web.hotline else ()), *settings.hotlines, *board.hotlines())
    return next((hotline for hotline in names if board.admits_hotline(hotline)), "")


class View:
    """One look at the board. `now` is wall time in ms; `loading`: Kafka has not been read to its end yet, `away`: it does not
    answer. `actions`: people may acknowledge and silence alerts; `judges`: and say what they were worth. `worst`: the worst
    continuous 24 hours, as far as ClickHouse was asked.
    """

    def __init__(
        self,
        board: Readable,
        settings: Settings,
        now: int,
        *,
        loading: bool = False,
        away: bool = False,
        actions: bool = False,
        judges: bool = False,
        worst: Mapping[str, Any] | None = None,
    ) -> None:
        self.board, self.settings, self.now = board, settings, now
        self.worst = worst if not isinstance(board, LimitedBoard) else None  # it is of all calls of the hotline
        self.loading, self.away, self.actions, self.judges = loading, away, actions, judges
        self.hotline = choose_hotline(board, settings)
        self.config = settings.hotline(self.hotline)
        self.clock = board.clock if board.clock is not None else now
        self.day = local_day(self.clock, self.config.zone)
        self.end = -(-self.clock // MINUTE_MS) * MINUTE_MS
        self.level_ms = max(MINUTE_MS, settings.service_level.window_s * 1000 // MINUTE_MS * MINUTE_MS)
        self.total = Key(self.hotline)
        configured = [queue for queue in self.config.queues if board.admits(self.hotline, queue)]
        self.queues = configured + [q for q in board.queues(self.hotline) if q not in self.config.queues]
        self.firing = board.firing(self.hotline)
        self.active = board.active(self.hotline)
        owners = {alert.fingerprint: board.said.owner(alert) for alert in self.firing}
        self.owners = {fingerprint: said.author for fingerprint, said in owners.items() if said is not None}
        self.first_run = board.since is None
        self.bounds = bounds(self.clock, self.config.zone)
        self._levels: dict[tuple[Key, int], tuple[int, int]] = {}
        self.sources = heard(board.sources.values(), self.hotline)
        self.tells_agents = any(gauge.agents for key, gauge in board.gauges.items() if key.hotline == self.hotline)

    def snapshot(self) -> Snapshot:
        verdicts = {queue: self._verdict(queue) for queue in self.queues}
        place = {queue: number for number, queue in enumerate(self.queues)}
        order = sorted(self.queues, key=lambda queue: (ORDER.index(verdicts[queue].state), place[queue]))
        return {
            "head": self._head(),
            "alerts": self._alerts(),
            "totals": self._totals(),
            "day": self._day_line(),
            "order": order,
            "tiles": {queue: self._tile(queue, verdicts[queue]) for queue in self.queues},
            "sparks": {queue: self._spark(Key(self.hotline, queue)) for queue in self.queues},
        }

    def _behind_s(self) -> int | None:
        """How far the data is behind the wall clock (of a feed other than `live`: how long it has not moved)."""
        moved = self.board.clock if self.board.feed == LIVE else self.board.clock_moved_at
        return None if moved is None else max(0, (self.now - moved) // 1000)

    def _status(self) -> str:
        if self.loading:
            return "loading"
        if self.first_run:
            return "first_run"
        behind = self._behind_s()
        if behind is None or behind <= STALE_S:
            return "live"
        moved = self.board.clock_moved_at
        return "catching_up" if moved is not None and self.now - moved < CATCHING_UP_MS else "stale"

    def _head(self) -> Snapshot:
        offset = datetime.fromtimestamp(self.now / 1000, self.config.zone).utcoffset() or timedelta()
        days = [day.days_learned for day in self.board.forecasts.get(self.total, {}).values()]
        return {
            "hotline": self.hotline,
            "name": dict(self.config.name),
            "feed": self.board.feed,
            "zone": self.config.time_zone,
            "utc_offset_min": int(offset.total_seconds()) // 60,
            "now": self.now,
            "data_as_of": self.board.clock,
            "behind_s": self._behind_s(),
            "status": self._status(),
            "away": self.away,
            "actions": self.actions,
            "judges": self.judges,
            "announced": self.board.announced.changes,
            "map": self.settings.web.map is not None,
            "threshold_s": self.config.thresholds("")[0],
            "level_window_min": self.level_ms // MINUTE_MS,
            "days_learned": max(days, default=None),
            "sources": self.sources.snapshot()
            | {"alerts": {s: self._condition(a) for s, a in self._of_sources.items()}},
        }

    def _of_queue(self, queue: str | None) -> list[AlertEvent | Signal]:
        """What fires or holds on one queue (None: on the hotline as a whole), no other dimension."""
        both: list[AlertEvent | Signal] = [*self.firing, *self.active]
        return [c for c in both if c.queue == (queue or "") and not c.category and not _of_a_slice(c)]

    def _level(self, key: Key, threshold_s: int) -> tuple[int, int]:
        known = self._levels.get((key, threshold_s))
        if known is None:
            counts, rules = self.board.window(key, self.end - self.level_ms, self.end), self.settings.service_level
            known = self._levels[key, threshold_s] = service_level_parts(
                counts, threshold_s, rules.formula, rules.attribution, rules.flowed_out_and_callbacks
            )
        return known

    def _verdict(self, queue: str) -> Verdict:
        key = Key(self.hotline, queue)
        met, judged = self._level(key, self.config.thresholds(queue)[0])
        gauge = self.board.gauges.get(key)
        spark_start = self.end - SPARK_CELLS * SPARK_MS
        busy = (gauge is not None and (gauge.waiting or gauge.in_service)) or judged
        figures = Figures(
            met=met,
            judged=judged,
            over_threshold=gauge.waiting_over_threshold if gauge else 0,
            quiet=not busy and not self.board.total(key, "offered", spark_start, self.end),
            target=self.config.target_at(queue, self.clock),
            min_volume=self.settings.service_level.min_volume,
            over_threshold_limit=self.settings.service_level.over_threshold_min,
        )
        return judge(
            figures,
            self._of_queue(queue),
            behind_s=0 if self.first_run else self._behind_s(),
            down_since=self.sources.down_since,
            owned=self.owners.keys(),
            held=self.board.said.maintenance(self.hotline, queue, self.now) is not None,
        )

    def _gauge(self, key: Key) -> Gauge | None:
        """What is so now. A gauge is sent when it changes: where others were, one never sent is all zeros."""
        gauge = self.board.gauges.get(key)
        if gauge is None and any(known.hotline == key.hotline for known in self.board.gauges):
            kind: Literal["hotline", "queue"] = "hotline" if key.queue is None else "queue"
            gauge = Gauge(
                feed=self.board.feed,
                hotline=key.hotline,
                dimension_set=kind,
                queue=key.queue or "",
                at=self.clock,
                version=0,
                threshold_s=self.config.thresholds(key.queue or "")[0],
            )
        return gauge

    def _now(self, key: Key, queue: str, threshold_s: int) -> Snapshot:
        """The figures that tiles and totals share: what is so now, and the service level."""
        gauge = self._gauge(key)
        oldest = gauge.oldest_queued_at if gauge else None
        met, judged = self._level(key, threshold_s)
        tells = self.tells_agents and (key.queue is not None or not isinstance(self.board, LimitedBoard))
        return {
            "waiting": gauge.waiting if gauge else None,
            "over": gauge.waiting_over_threshold if gauge else None,
            "oldest_s": None if oldest is None else max(0, (self.clock - oldest) // 1000),
            "in_service": gauge.in_service if gauge else None,
            "agents": dict(gauge.agents) if gauge and tells else None,
            "threshold_s": threshold_s,
            "target": self.config.target_at(queue, self.clock),
            "service_level": ratio(met, judged),
            "judged": judged,
        }

    def _windows(self, key: Key, threshold_s: int) -> Snapshot:
        """The figures of each rolling window; nothing before the first call."""
        if self.first_run:
            return {}
        return {name: self.board.shown(key, name, self.bounds[name], threshold_s) for name in WINDOWS}

    def _versus(self, key: Key, start: int, counted: str = "offered") -> dict[str, Any] | None:
        """Offered since `start` (or since we know anything) against the forecast of that span.

        A forecast is of visits: what is `counted` otherwise is expected in the ratio in which it came to visits.
        """
        if self.board.since is None:
            return None
        start = max(start, self.board.since)
        forecast = expect(self.board.forecasts.get(key, {}), start, self.clock)
        if forecast is None:
            return None
        visits, observed = (self.board.total(key, counter, start, self.end) for counter in ("offered", counted))
        compared = versus(observed, forecast.expected * (observed / visits if visits else 1))
        return compared._asdict() if compared else None

    def _last_half_hour(self) -> int:
        return self.end - VERSUS_MS

    def _tile(self, queue: str, verdict: Verdict) -> Snapshot:
        key = Key(self.hotline, queue)
        named = self.config.queues.get(queue)
        return {
            "queue": queue,
            "name": dict(named.name) if named else {},
            "state": verdict.state,
            "blame": list(verdict.blame),
            "owner": self._owner(queue) if verdict.state == "acknowledged" else None,
            "held_until": self._held_until(queue) if verdict.state == "maintenance" else None,
            "since": verdict.since,
            "minutes": None if verdict.since is None else max(0, self.clock - verdict.since) // MINUTE_MS,
            "behind_s": self._behind_s(),
            **self._now(key, queue, self.config.thresholds(queue)[0]),
            "versus": self._versus(key, self._last_half_hour()),
            "today": None
            if self.first_run
            else self.board.rolling(key, "today", self.bounds["today"]).get("offered", 0),
            "today_versus": self._versus(key, self.day.start),
            "last_call_at": self._last_call(key) if verdict.state in {"no_calls", "feed_down"} else None,
            "windows": self._windows(key, self.config.thresholds(queue)[0]),
        }

    def _owner(self, queue: str) -> str | None:
        """Who has taken on an alert of the queue, the newest of them."""
        return next(
            (self.owners[a.fingerprint] for a in self.firing if a.queue == queue and a.fingerprint in self.owners), None
        )

    def _held_until(self, queue: str) -> int | None:
        silence = self.board.said.maintenance(self.hotline, queue, self.now)
        return silence.ends_at if silence else None

    def _last_call(self, key: Key) -> int | None:
        minutes = self.board.minutes.get(key, {})
        return max((start for start, minute in minutes.items() if minute.counts.get("offered")), default=None)

    def _spark(self, key: Key) -> Snapshot:
        """24 cells of 5 minutes, the last one running; `band`: the 90 % range of each."""
        end = self.clock - self.clock % SPARK_MS + SPARK_MS
        edges = [(end - n * SPARK_MS, end - (n - 1) * SPARK_MS) for n in range(SPARK_CELLS, 0, -1)]
        ranges = bands(self.board.forecasts.get(key, {}), edges)
        return {
            "start": edges[0][0],
            "step_s": SPARK_MS // 1000,
            "offered": [self._offered(key, start, stop) for start, stop in edges],
            **band_of(ranges),
        }

    def _offered(self, key: Key, start: int, stop: int) -> int | None:
        if self.board.since is None or stop <= self.board.since or start >= self.end:
            return None
        return self.board.total(key, "offered", start, stop)

    def _day_line(self) -> Snapshot:
        edges = [(start, start + DAY_STEP_MS) for start in range(self.day.start, self.day.end, DAY_STEP_MS)]
        forecasts: Mapping[int, Forecast] = self.board.forecasts.get(self.total, {})
        return {
            "start": self.day.start,
            "end": self.day.end,
            "step_s": DAY_STEP_MS // 1000,
            "offered": [self._offered(self.total, start, stop) for start, stop in edges],
            **band_of(bands(forecasts, edges)),
            "events": events_of_day(self.board.events(), self.hotline, None, self.day.start, self.day.end),
        }

    def _totals(self) -> Snapshot:
        counts = {} if self.first_run else self.board.rolling(self.total, "today", self.bounds["today"])
        oldest = [
            (gauge.oldest_queued_at, key.queue)
            for key, gauge in self.board.gauges.items()
            if key.hotline == self.hotline and key.queue and gauge.oldest_queued_at is not None
        ]
        gauge = self.board.gauges.get(self.total)
        breaks = gauge.breaks if gauge else {}
        return {
            **self._now(self.total, "", self.config.thresholds("")[0]),
            "breaks": dict(breaks),
            "break_names": {reason: dict(self.config.labels.get(reason, {})) for reason in breaks},
            "windows": self._windows(self.total, self.config.thresholds("")[0]),
            "oldest_queue": min(oldest)[1] if oldest else None,
            "answer_rate": rates(counts)["answer_rate_inbound"],
            "worst_24h": self.worst,
            "abandonment_rate": rates(counts)["abandonment_rate"],
            "calls_today": None if self.first_run else counts.get("calls_offered", 0),
            "today_versus": self._versus(self.total, self.day.start, "calls_offered"),
        }

    def _conditions(self) -> list[AlertEvent | Signal]:
        """The alerts that fire and the breaches that no alert covers yet: what nobody has and no silence holds back
        first, then the newest.
        """
        covered = {(alert.queue, alert.category, blame_of(alert)) for alert in self.firing}
        conditions: list[AlertEvent | Signal] = [*self.firing]
        conditions += [s for s in self.active if is_breach(s) and (s.queue, s.category, blame_of(s)) not in covered]
        # what nobody has comes first, and of it what is bad: a filled tile is always told of in the strip
        conditions.sort(key=lambda condition: (self._is_held(condition), not is_breach(condition)))
        return conditions

    def _is_held(self, condition: AlertEvent | Signal) -> bool:
        return condition.fingerprint in self.owners or self._silenced_until(condition) is not None

    @cached_property
    def _of_sources(self) -> dict[str, AlertEvent]:
        """The alert of each source that is silent now, or sends everything twice: the strip says so, and takes it on there."""
        known = {"dead_feed": self.sources.silent, "doubled_feed": self.sources.doubled}
        return {
            alert.labels["source"]: alert
            for kind, statuses in reversed(known.items())
            for alert in self.firing
            if kind_of(alert) == kind and alert.labels.get("source") in {status.source for status in statuses}
        }

    def _alerts(self) -> Snapshot:
        told = {alert.fingerprint for alert in self._of_sources.values()}
        everything = self._conditions()
        conditions = [condition for condition in everything if condition.fingerprint not in told]
        ended = [a.ended_at for a in self.board.alerts.values() if a.hotline == self.hotline and a.ended_at is not None]
        return {
            "newest": [self._condition(condition) for condition in conditions[:SHOWN_CONDITIONS]],
            "more": max(0, len(conditions) - SHOWN_CONDITIONS),
            "firing": sum(isinstance(condition, AlertEvent) for condition in everything),
            "quiet_since": max(ended, default=None),
        }

    def alarms(self) -> Snapshot:
        """All that fires, and the last that ended, for the page of alerts."""
        here = (alert for alert in self.board.alerts.values() if alert.hotline == self.hotline)
        ended = [alert for alert in here if alert.ended_at is not None and alert.reason != "cleared_before_firing"]
        ended.sort(key=lambda alert: alert.ended_at or 0, reverse=True)
        return {
            "hotline": self.hotline,
            "time_zone": self.config.time_zone,
            "data_as_of": self.board.clock,
            "firing": [self._condition(condition) for condition in self._conditions()[:LISTED_CONDITIONS]],
            "ended": [self._condition(alert) | {"until": alert.ended_at} for alert in ended[:LISTED_CONDITIONS]],
            "silences": msgspec.to_builtins(silences(self.board, self.now)[:LISTED_CONDITIONS]),
        }

    def _condition(self, condition: AlertEvent | Signal) -> Snapshot:
        """One line of the strip: what, its target, since when, and the likely cause."""
        blame: Blame = blame_of(condition)
        key = Key(self.hotline, condition.queue or None)
        threshold_s = self.config.thresholds(condition.queue)[0]
        named = self.config.queues.get(condition.queue)
        return {
            "id": condition.fingerprint,
            "blame": blame,
            "alert": isinstance(condition, AlertEvent),
            "owner": self.owners.get(condition.fingerprint),
            "silenced_until": self._silenced_until(condition),
            "verdict": self._verdict_on(condition),
            "kind": kind_of(condition),
            "breach": is_breach(condition),
            "queue": condition.queue,
            "name": dict(named.name) if named else dict(self.config.name) if not condition.queue else {},
            "category": condition.category,
            "slice": _of_a_slice(condition),
            "since": condition.since if isinstance(condition, Signal) else condition.started_at,
            "value": condition.value,
            "expected": condition.expected,
            "target": condition.target,
            "summary": dict(condition.summary),
            "runbook": _link(condition),
            **{k: v for k, v in self._now(key, condition.queue, threshold_s).items() if k != "target"},
            "versus": self._versus(key, self._last_half_hour()),
        }

    def _verdict_on(self, condition: AlertEvent | Signal) -> str | None:
        said = self.board.said.verdict(condition) if isinstance(condition, AlertEvent) else None
        return said.verdict if said else None

    def _silenced_until(self, condition: AlertEvent | Signal) -> int | None:
        silence = self.board.said.silence(condition, self.now) if isinstance(condition, AlertEvent) else None
        return silence.ends_at if silence else None


def band_of(ranges: list[Range | None]) -> dict[str, list[float | None]]:
    """The forecast of each span, as three lists."""
    return {
        "expected": [None if r is None else round(r.expected, 2) for r in ranges],
        "lower": [None if r is None else round(r.lower, 2) for r in ranges],
        "upper": [None if r is None else round(r.upper, 2) for r in ranges],
    }


def _link(condition: AlertEvent | Signal) -> str | None:
    """Where it stands what to do about an alert; nothing but a link of the web is followed from a page."""
    found = condition.runbook if isinstance(condition, AlertEvent) else ""
    return found if found.startswith(("https://", "http://")) else None


def _of_a_slice(condition: AlertEvent | Signal) -> bool:
    """Whether it is about a part of the calls that no tile stands for: a district, a channel, those of one source."""
    told = condition.dimensions if isinstance(condition, Signal) else condition.labels
    apart = {"queue", "category"} | ({"source"} if blame_of(condition) == "feed" else set())
    return any(name in told for name in DIMENSIONS if name not in apart)
