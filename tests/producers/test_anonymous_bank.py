"""The January of the Anonymous Bank, counted twice: by the mapping's events and straight from the file."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from bank_rows import HEADER, stays

from deploy.producers import mapping, replay
from deploy.producers.contents import Contents
from deploy.producers.contents import read as read_export
from streams.contract import CallEvent

JANUARY = Path(__file__).parents[2] / ".." / "shared" / "data" / "anonbank_january.txt"
pytestmark = pytest.mark.skipif(not JANUARY.is_file(), reason="shared/data/anonbank_january.txt is not here")

# From the definitions in the documents; percentages to the digits that are published.
FIGURES = {
    "offered": 30_161,
    "answered": 27_060,
    "abandoned": 3_101,
    "ended_in_menu": 1_198,
    "phantom": 240,
    "service_levels": (54.38, 56.26, 57.72, 60.61, 54.74),
    "answer_rates": (86.29, 89.72, 88.80),
    "asa": 35.03,
    "asa_waited": 69.77,
    "att": 183.45,
}


def figures(visits: list[tuple[str, int, int]]) -> dict:
    """The figures of (outcome, wait s, talk s) tuples, by their definitions, at 20 s and S <= 5 s."""
    count = Counter(outcome for outcome, _, _ in visits)
    answered = [wait for outcome, wait, _ in visits if outcome == "answered"]
    abandoned = [wait for outcome, wait, _ in visits if outcome == "abandoned"]
    talk = [talk for outcome, _, talk in visits if outcome == "answered"]
    offered = len(answered) + len(abandoned)
    in_time, lost_in_time = sum(w <= 20 for w in answered), sum(w <= 20 for w in abandoned)
    short = sum(w <= 5 for w in abandoned)

    def percent(part: float, whole: float) -> float:
        return round(100 * part / whole, 2)

    return {
        "offered": offered,
        "answered": len(answered),
        "abandoned": len(abandoned),
        "ended_in_menu": count["ended_in_menu"],
        "phantom": count["phantom"],
        "service_levels": (
            percent(in_time, offered),
            percent(in_time, offered - lost_in_time),
            percent(in_time + lost_in_time, offered),
            percent(in_time, len(answered)),
            percent(in_time, offered - short),
        ),
        "answer_rates": (
            percent(len(answered), offered + count["ended_in_menu"]),
            percent(len(answered), offered),
            percent(sum(t > 0 for t in talk), offered),
        ),
        "asa": round(sum(answered) / len(answered), 2),
        "asa_waited": round(sum(answered) / sum(w > 0 for w in answered), 2),
        "att": round(sum(talk) / len(talk), 2),
    }


def plain_recount() -> list[tuple[str, int, int]]:
    """(outcome, wait s, talk s) of each line, without the mapping."""
    visits = []
    for line in JANUARY.read_text(encoding="ascii").splitlines()[1:]:
        row = dict(zip(HEADER, line.split("\t"), strict=True))
        queued = row["q_start"] != "0:00:00"
        if row["outcome"] == "AGENT":
            visits.append(("answered", int(row["q_time"]) if queued else 0, int(row["ser_time"])))
        elif row["outcome"] == "HANG":
            visits.append(("abandoned", int(row["q_time"]), 0) if queued else ("ended_in_menu", 0, 0))
        else:
            visits.append(("phantom", 0, 0))
    return visits


@pytest.fixture(scope="module")
def contents() -> Contents:
    return read_export(JANUARY, mapping.load("anonymous-bank"), feed="replay-january", generation=1)


def events_of(contents: Contents) -> list:
    decode = msgspec.json.Decoder(CallEvent).decode
    return [decode(event.value) for event in contents.events]


def test_a_plain_recount_of_the_file_gives_the_published_figures() -> None:
    assert figures(plain_recount()) == FIGURES


def test_the_events_of_the_mapping_give_the_published_figures(contents) -> None:
    calls = stays(events_of(contents)).values()
    visits = [(c["outcome"], (c.get("wait_ms") or 0) / 1000, (c.get("talk_ms") or 0) / 1000) for c in calls]
    assert figures(visits) == FIGURES


def test_every_row_is_a_visit_a_menu_call_or_a_phantom(contents) -> None:
    assert contents.read == 31_599
    assert contents.rejected == []
    assert contents.visits + contents.outcomes["ended_in_menu"] + contents.outcomes["phantom"] == contents.read


def test_what_was_mended_is_named(contents) -> None:
    lines = [dict(zip(HEADER, line.split("\t"), strict=True)) for line in JANUARY.read_text("ascii").splitlines()[1:]]
    wraps = sum(
        row["outcome"] == "AGENT" and row["ser_exit"] < "1" and row["ser_start"] > "20" and row["ser_start"][2:3] == ":"
        for row in lines
    )
    assert contents.repaired["midnight"] >= wraps > 0
    assert contents.repaired.keys() == {"clock_skew", "order", "midnight", "sentinel_time", "one_digit_hour"}


def test_events_are_in_order_of_time_and_each_carries_what_the_contract_asks(contents) -> None:
    events = events_of(contents)
    assert all(a.time <= b.time for a, b in pairwise(events))
    assert {(e.hotline, e.source, e.feed, e.generation) for e in events} == {
        ("anonymous-bank", "anonymous-bank", "replay-january", 1)
    }
    assert len({e.call for e in events}) == 31_599
    assert [event.call.encode() for event in events] == [timed.key for timed in contents.events]


def test_calls_of_the_first_of_january_fall_on_it_in_local_time(contents) -> None:
    span = replay.whole_days(contents.events.first, contents.events.last, ZoneInfo("Asia/Jerusalem"))
    assert span[0] == 915_141_600_000  # 1999-01-01 00:00 at UTC+2
    assert (span[1] - span[0]) / 86_400_000 in {31, 32}
