"""A hotline with every kind of event: each column that people see is a plain recount of what really happened."""

from collections import Counter

import pytest
from engine import Engine
from recounted import wrong
from simulated import STEP_MS, run, stored

from deploy.producers.simulator.incidents import Incident
from deploy.producers.simulator.profile import Profile, profile_of
from deploy.producers.simulator.truth import TrueApart, TrueVisit, Truth
from deploy.runtime.settings import Hotline, Queue, Settings
from oracle.rules import rules_of
from oracle.truth import recount

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_790_784_000_000  # 2026-10-01 00:00 in Shanghai
MORNING = START + 8 * HOUR
FEW = Incident(incident="understaffed", start=MORNING + HOUR, end=MORNING + 3 * HOUR, factor=0.4)
KEY = "only-for-these-tests-0123456789"
CITY = Hotline(
    time_zone="Asia/Shanghai",
    thresholds_s=(15, 20),
    queues={"utilities": Queue(), "housing": Queue(thresholds_s=(30,))},
)
BOTH = frozenset({"PBX-1", "PBX-2"})
KINDS = {
    "answered",
    "abandoned",
    "flowed_out",
    "callback_taken",
    "ended_in_menu",
    "blocked",
    "phantom",
    "test",
    "nuisance",
}


def settings() -> Settings:
    return Settings(hotlines={"city": CITY}, pseudonym={"key": KEY})


def hotline(rate: float, **habits: float) -> Profile:
    profile = profile_of("city", "Asia/Shanghai", rate, tuple(CITY.queues))._replace(comfort=0.6)
    return profile._replace(habits=profile.habits._replace(**habits))


def outcomes(truths: list[Truth]) -> Counter[str]:
    return Counter(it.outcome for it in truths if isinstance(it, TrueVisit | TrueApart))


@pytest.mark.clickhouse
def test_a_day_in_every_view_is_the_recount_of_the_truth(clickhouse_url: str) -> None:
    engine = Engine(settings())
    profile = hotline(1_000, lost_ending=0.12, test=0.01, lines=8)
    truths = run(engine, profile, MORNING, 6 * HOUR, feed="day", incidents=[FEW], duplicates=0.02, disorder=0.02)
    assert outcomes(truths).keys() >= KINDS
    assert {it.lost for it in truths if isinstance(it, TrueVisit | TrueApart)} == {"", "menu", "waiting", "talking"}
    recounted = recount(truths, rules_of(engine.settings), "day", engine.partitions)
    client, used = stored(engine, clickhouse_url)
    with client:
        lines, sizes = wrong(client, "day", used, recounted, BOTH)
        assert lines == []
        assert sizes["v_cells"] > 4_000
        assert sizes["v_hotline_daily"] >= 2
        client.command(f"DROP DATABASE {used.clickhouse.database}")


def waiting(truths: list[Truth], now: int, given_up_after: int) -> int:
    """Who waits at `now`, and who seems to: their end was not told, and they are not given up yet."""
    visits = [it for it in truths if isinstance(it, TrueVisit) and it.queued_at <= now]
    here = sum(
        it.lost != "waiting" and it.answered_at is None and (it.ended_at is None or it.ended_at > now) for it in visits
    )
    here += sum(it.answered_at is not None and it.answered_at > now and it.lost != "waiting" for it in visits)
    return here + sum(it.lost == "waiting" and now < it.told_until + given_up_after for it in visits)


def test_waiting_returns_to_the_truth_when_what_was_never_ended_is_given_up() -> None:
    engine = Engine(settings())
    gauges: list[tuple[int, int]] = []

    def look(now: int, truths: list[Truth]) -> None:
        gauge = engine.gauges.get(("city", ""))
        gauges.append((now, gauge.waiting if gauge else 0))

    nothing_later = dict.fromkeys(("phantom", "nuisance", "rated", "reclassified_soon", "reclassified_late"), 0.0)
    profile = hotline(1_500, lost_ending=0.1, **nothing_later)
    truths = run(engine, profile, MORNING, 4 * HOUR, feed="live", incidents=[FEW], step=look)
    given_up_after = engine.settings.intake.lost_waiting_s * 1000
    for now in range(gauges[-1][0], gauges[-1][0] + given_up_after, STEP_MS):
        engine.tick(now + STEP_MS)
        look(now + STEP_MS, truths)
    lost = [it for it in truths if isinstance(it, TrueVisit) and it.lost == "waiting"]
    assert len(lost) >= 3
    assert gauges == [(now, waiting(truths, now, given_up_after)) for now, _ in gauges]
    assert max(seen for _, seen in gauges) > 0
    after = max(it.told_until for it in lost) + given_up_after
    assert any(seen != waiting(truths, now, 0) for now, seen in gauges)
    assert [seen for now, seen in gauges if now >= after] == [
        waiting(truths, now, 0) for now, _ in gauges if now >= after
    ]
    assert engine.total()["lost_track"] == len(lost)
