"""Days of 23, 24 and 25 hours, half an hour beside the others: daily sums and "today" are the recount's."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
import yaml
from installation import Installation
from recounted import local_day, with_ratios, wrong
from settled import clickhouse, settled
from test_feeds import simulate

from deploy.runtime.settings import Settings
from oracle.rules import rules_of
from oracle.truth import read_truth, recount

pytestmark = [pytest.mark.system, pytest.mark.faults, pytest.mark.timeout(600)]


class Span(NamedTuple):
    """Calls of a hotline from `start` (local) for some hours, over a day of so many hours."""

    hotline: str
    zone: str
    start: str
    hours: int
    day: date
    length: int


SPANS = {
    "shanghai": Span("city", "Asia/Shanghai", "2026-03-28T20:00", 46, date(2026, 3, 29), 24),
    "kolkata": Span("kolkata", "Asia/Kolkata", "2026-03-28T20:00", 46, date(2026, 3, 29), 24),
    "spring": Span("berlin", "Europe/Berlin", "2026-03-28T20:00", 46, date(2026, 3, 29), 23),
    "autumn": Span("berlin", "Europe/Berlin", "2026-10-24T20:00", 46, date(2026, 10, 25), 25),
}
QUEUES = ("utilities", "housing")
COMPARED = (
    "offered",
    "answered",
    "abandoned",
    "ended_in_menu",
    "wait_ms_sum",
    "talk_ms_sum",
    "answered_in_threshold",
    "asa",
    "aht",
)


@pytest.fixture(scope="module")
def simulated(hotline: Installation) -> dict[str, Path]:
    """Truth file by span; everything is stored."""
    truths = {name: hotline.directory / f"{name}.jsonl" for name in SPANS}
    runs = []
    for name, span in SPANS.items():
        what = ["--hotline", span.hotline, "--feed", name, "--start", span.start, "--for", f"{span.hours}h"]
        runs.append(
            simulate(hotline, *what, "--calls-only", "--rate", "250", "--speed", "max", "--truth", str(truths[name]))
        )
    assert [it.wait(timeout=120) for it in runs] == [0] * len(runs)
    settled(hotline, within=300)
    return truths


@pytest.mark.parametrize("name", SPANS)
def test_days_and_today_are_the_recount(hotline: Installation, simulated: dict[str, Path], name: str) -> None:
    span = SPANS[name]
    zone = ZoneInfo(span.zone)
    settings = Settings(
        hotlines=yaml.safe_load((hotline.directory / "hotline.yaml").read_text())["hotlines"],
        pseudonym={"key": hotline.environment["HOTLINE_PSEUDONYM__KEY"]},
    )
    truth = recount(read_truth(simulated[name]), rules_of(settings), name, 6)
    with clickhouse(hotline) as client:
        lines, sizes = wrong(client, name, settings, truth, frozenset())
        assert lines == []
        assert sizes["v_hotline_daily"] == 3

        of_hotline = {key.minute: counts for key, counts in truth.cells.items() if key.dimension_set == "hotline"}
        hours = Counter(
            datetime.fromtimestamp(it / 1000, zone).hour for it in of_hotline if local_day(it, zone) == span.day
        )
        assert hours.keys() <= set(range(24)) - ({2} if span.length == 23 else set())
        bounds = (datetime(it.year, it.month, it.day, tzinfo=zone) for it in (span.day, span.day + timedelta(days=1)))
        first, after = (round(it.timestamp() * 1000) for it in bounds)
        assert after - first == span.length * 3_600_000
        stored = client.query(
            "SELECT min(minute), max(minute) FROM v_cells WHERE feed = {feed:String} AND day = {day:Date}",
            {"feed": name, "day": span.day},
        ).result_rows[0]
        seen = [round(it.replace(tzinfo=UTC).timestamp() * 1000) for it in stored]
        assert first <= seen[0] < first + 6 * 3_600_000
        assert after - 6 * 3_600_000 < seen[1] < after

        [[as_of]] = client.query(
            f"SELECT toUnixTimestamp64Milli(data_as_of) FROM v_clocks WHERE feed = '{name}'"
        ).result_rows
    threshold_s = settings.hotline(span.hotline).thresholds_s[0]
    for day in (span.day - timedelta(days=1), span.day, span.day + timedelta(days=1)):
        expected = figures(of_hotline, {minute for minute in of_hotline if local_day(minute, zone) == day}, threshold_s)
        shown = hotline.get(f"/api/v1/summary?feed={name}&hotline={span.hotline}&from={day}&to={day}")
        assert {it: shown[it] for it in COMPARED} == pytest.approx({it: expected[it] for it in COMPARED}, rel=1e-12)
        assert shown["offered"] > 0

    today = local_day(as_of, zone)
    midnight = round(datetime(today.year, today.month, today.day, tzinfo=zone).timestamp() * 1000)
    expected = figures(of_hotline, {minute for minute in of_hotline if midnight <= minute <= as_of}, threshold_s)
    rolling = hotline.get(f"/api/v1/rolling?feed={name}&hotline={span.hotline}&window=today")["windows"]["today"]
    assert {it: rolling[it] for it in COMPARED} == pytest.approx({it: expected[it] for it in COMPARED}, rel=1e-12)
    assert datetime.fromisoformat(rolling["begin"]).timestamp() * 1000 == midnight
    [sql] = hotline.sql(f"SELECT * FROM v_rolling WHERE feed = '{name}' AND queue = '' AND `window` = 'today'")
    assert {it: float(sql[it]) for it in COMPARED} == pytest.approx({it: expected[it] for it in COMPARED}, rel=1e-9)


def figures(cells: dict[int, dict[str, int]], minutes: set[int], threshold_s: int) -> dict[str, float]:
    total: Counter[str] = Counter()
    for minute in minutes:
        total.update(cells[minute])
    return dict.fromkeys(COMPARED, 0) | with_ratios(total, threshold_s)
