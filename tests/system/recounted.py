"""What the views must hold by a recount of a truth log: every column, in plain Python, and where they differ.

`Recount` (tests/oracle/truth.py) says what each cell counts; days, shares and means are made of it here once more,
by the definitions alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from math import isclose
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client

from deploy.runtime.settings import Settings
from oracle.batch import CellKey
from oracle.truth import Recount

OUT_OF_ORDERNESS_MS = 60_000
"""A minute is final when the feed is so much further: events may come in another order."""
Key = tuple[Any, ...]
Columns = dict[str, Any]
DIMENSIONS = (
    "centre", "queue", "language", "category", "district", "department", "channel",
    "ticket_type", "served", "origin", "direction", "priority", "skill", "source",
)  # fmt: skip
NOT_RECOUNTED = {"version"}
"""Says which of several rows holds, and nothing of calls."""
OF_TIME = {"generation", "day", "final", "threshold_s"}
"""What a row says beside its counters: a row of nothing else is a key that every visit has left for another."""
COUNTED_IN_CELLS_ONLY = {
    "answered_wait", "abandoned_wait", "event_answered", "event_abandoned", "event_left", "event_expired",
}  # fmt: skip
"""What days do not repeat: their shares are made of it."""


class Sources(NamedTuple):
    """Which sources send heartbeats for a hotline, and in which minute (ms) which of all were heard."""

    expected: frozenset[str]
    heard: Mapping[int, set[str]]

    def of(self, minute: int) -> tuple[int, int]:
        """(expected, heard) of a minute."""
        return len(self.expected), len(self.expected & self.heard.get(minute, set()))


def local_day(minute: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(minute / 1000, zone).date()


def cells_of(
    cells: Mapping[CellKey, Mapping[str, int]], sources: Sources, zone: ZoneInfo, complete_to: float
) -> Iterator[tuple[Key, Columns]]:
    """(key, columns) of each row of `v_cells`. `complete_to`: minutes that end by then (ms) are final."""
    for key, counts in cells.items():
        told = dict(key.values)
        expected, heard = sources.of(key.minute)
        found: Columns = {
            "generation": key.generation,
            "day": local_day(key.minute, zone),
            "final": key.minute + 60_000 <= complete_to,
            "sources_expected": expected,
            "sources_heard": heard,
            "completeness": heard / expected if expected else None,
        }
        identity = (key.hotline, key.dimension_set, *(told.get(name, "") for name in DIMENSIONS), key.minute)
        yield identity, found | by_column(counts)


def by_column(counts: Mapping[str, int]) -> Columns:
    """Counters by column, those kept by number as dictionaries; what is 0 is left out."""
    found: Columns = defaultdict(dict)
    for counter, amount in counts.items():
        name, dot, number = counter.partition(".")
        if dot:
            found[name][int(number)] = amount
        else:
            found[name] = amount
    return dict(found)


def days_of(
    cells: Mapping[CellKey, Mapping[str, int]], sources: Sources, zone: ZoneInfo, settings: Settings, *, by_queue: bool
) -> dict[Key, Columns]:
    """(hotline, queue, day) -> columns of `v_daily`; without `by_queue` (hotline, day) -> those of `v_hotline_daily`."""
    total: dict[Key, Counter[str]] = defaultdict(Counter)
    for key, counts in cells.items():
        if key.dimension_set == ("queue" if by_queue else "hotline"):
            day = local_day(key.minute, zone)
            queue = (dict(key.values).get("queue", ""),) if by_queue else ()
            expected, heard = sources.of(key.minute)
            total[key.hotline, *queue, day].update(counts)
            total[key.hotline, *queue, day].update(sources_expected=expected, sources_heard=heard)
    return {key: with_ratios(counts, settings.hotline(key[0]).thresholds_s[0]) for key, counts in total.items()}


def with_ratios(c: Counter[str], threshold_s: int) -> Columns:
    """The columns of a day: its counts, and what is made of them for the promise of `threshold_s`."""
    columns = by_column(c)
    answered_in = sum(n for edge, n in columns.get("answered_wait", {}).items() if edge <= threshold_s)
    abandoned_in = sum(n for edge, n in columns.get("abandoned_wait", {}).items() if edge <= threshold_s)
    inbound = c["offered"] + c["ended_in_menu"] + c["blocked"]
    busy = c["agent_on_call_ms"] + c["agent_hold_ms"] + c["agent_after_call_ms"]
    ratings = columns.get("rated", {})
    ratios = {
        "service_level_offered": (answered_in, c["offered"]),
        "service_level_excluding_abandoned_in_threshold": (answered_in, c["offered"] - abandoned_in),
        "service_level_abandoned_in_threshold_met": (answered_in + abandoned_in, c["offered"]),
        "service_level_answered": (answered_in, c["answered"]),
        "service_level_excluding_short": (answered_in, c["offered"] - c["short_abandoned"]),
        "answer_rate_inbound": (c["answered"], inbound),
        "answer_rate_offered": (c["answered"], c["offered"]),
        "answer_rate_talked": (c["talked"], c["offered"]),
        "abandonment_rate": (c["abandoned"], c["offered"]),
        "abandonment_rate_excluding_short": (c["abandoned"] - c["short_abandoned"], c["offered"] - c["short_abandoned"]),
        "blocked_rate": (c["blocked"], inbound),
        "asa": (c["wait_ms_sum"] / 1000, c["answered"]),
        "asa_waited": (c["wait_ms_sum"] / 1000, c["waited"]),
        "att": (c["talk_ms_sum"] / 1000, c["answered"]),
        "aht": ((c["talk_ms_sum"] + c["hold_ms_sum"] + c["acw_ms_sum"]) / 1000, c["answered"]),
        "acw": (c["acw_ms_sum"] / 1000, c["answered"]),
        "occupancy": (busy, busy + c["agent_available_ms"]),
        "rating_mean": (sum(value * n for value, n in ratings.items()), sum(ratings.values())),
        "completeness": (c["sources_heard"], c["sources_expected"]),
    }  # fmt: skip
    return columns | {
        "inbound": inbound,
        "threshold_s": threshold_s,
        "answered_in_threshold": answered_in,
        "abandoned_in_threshold": abandoned_in,
        **{name: part / whole if whole else None for name, (part, whole) in ratios.items()},
    }


class View(NamedTuple):
    """A view as it is read: which columns say what a row is about, and which types the others have."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]

    @classmethod
    def of(cls, client: Client, name: str, *key: str) -> "View":
        types = {row[0]: row[1] for row in client.query(f"DESCRIBE {name}").result_rows}
        return cls(name, key, {it: type_ for it, type_ in types.items() if it not in {"feed", *key, *NOT_RECOUNTED}})

    def rows(self, client: Client, feed: str) -> dict[Key, Columns]:
        """Key -> columns that are not 0, empty or null; instants in ms. No row may stand there twice."""
        whole = [name for name, type_ in self.columns.items() if type_.startswith("UInt")]
        others = [name for name in self.columns if name not in whole]
        told = ", ".join(f"`{name}`" for name in (*self.key, *others))
        numbers = f"[{', '.join(f'toUInt64(`{name}`)' for name in whole)}]"
        query = (
            f"WITH {numbers} AS numbers SELECT {told}, arrayFilter((k, n) -> n != 0, range({len(whole)}), numbers), "
            f"arrayFilter(n -> n != 0, numbers) FROM {self.name} WHERE feed = {{feed:String}}"
        )
        found: dict[Key, Columns] = {}
        with client.query_rows_stream(query, {"feed": feed}) as rows:
            for row in rows:
                key = tuple(_ms(value) for value in row[: len(self.key)])
                assert key not in found, f"{self.name} shows {key} twice"
                counted = {whole[index]: number for index, number in zip(*row[-2:], strict=True)}
                found[key] = counted | _something(dict(zip(others, row[len(self.key) : -2], strict=True)))
        return found

    def differences(self, found: Mapping[Key, Columns], recounted: Iterable[tuple[Key, Columns]]) -> list[str]:
        """A line per column in which the view and the recount differ, and per row that one of them lacks."""
        lines, left = [], dict(found)
        for key, columns in recounted:
            expected = _something(columns)
            unknown = expected.keys() - self.columns.keys()
            assert not unknown - COUNTED_IN_CELLS_ONLY, f"{self.name} has no column {sorted(unknown)}"
            shown = left.pop(key, None)
            if shown is None:
                lines.append(f"{self.name} {key}: missing: {expected}")
                continue
            lines += [
                f"{self.name} {key}: {name}: shown {shown.get(name)}, recounted {expected.get(name)}"
                for name in self.columns
                if not _same(shown.get(name), expected.get(name))
            ]
        counted = {key: shown for key, shown in left.items() if shown.keys() - OF_TIME}
        return lines + [f"{self.name} {key}: too much: {shown}" for key, shown in counted.items()]


def cells_view(client: Client) -> View:
    return View.of(client, "v_cells", "hotline", "dimension_set", *DIMENSIONS, "minute")


def wrong(
    client: Client, feed: str, settings: Settings, recount: Recount, sources: frozenset[str]
) -> tuple[list[str], dict[str, int]]:
    """Where `v_cells`, `v_daily` and `v_hotline_daily` of a feed differ from a recount; how many rows each has.

    All its hotlines have one time zone. What is final follows from how far the feed is; at its end all is.
    """
    [hotline] = {key.hotline for key in recount.cells}
    zone, heard = settings.hotline(hotline).zone, Sources(sources, recount.heard)
    query = "SELECT state, toUnixTimestamp64Milli(data_as_of) FROM v_clocks JOIN v_feeds USING feed WHERE feed = {feed:String}"
    [[state, as_of]] = client.query(query, {"feed": feed}).result_rows
    complete_to = float("inf") if state == "ended" else as_of - OUT_OF_ORDERNESS_MS
    lines, sizes = [], {}
    for view, recounted in (
        (cells_view(client), cells_of(recount.cells, heard, zone, complete_to)),
        *(
            (View.of(client, name, "hotline", *key, "day"), days_of(recount.cells, heard, zone, settings, by_queue=bool(key)).items())
            for name, key in (("v_daily", ("queue",)), ("v_hotline_daily", ()))
        ),
    ):  # fmt: skip
        rows = view.rows(client, feed)
        sizes[view.name] = len(rows)
        lines += view.differences(rows, recounted)
    return lines, sizes


def _something(columns: Mapping[str, Any]) -> Columns:
    """Without what is 0, empty or null; a share of 0.0 is something."""
    return {
        name: value
        for name, value in columns.items()
        if value is not None and value != {} and (isinstance(value, float) or value)
    }


def _same(shown: Any, recounted: Any) -> bool:
    if isinstance(shown, float) and isinstance(recounted, float):
        return isclose(shown, recounted, rel_tol=1e-12)
    return shown == recounted


def _ms(value: Any) -> Any:
    return round(value.replace(tzinfo=UTC).timestamp() * 1000) if isinstance(value, datetime) else value
