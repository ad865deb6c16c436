"""Dimension sets: roll-up, sums that agree over every set, and a cap with a visible rest."""

import random
from typing import Any

import pytest
from engine import Engine

from deploy.runtime.settings import Cells, Settings, load
from streams.contract import OTHER
from streams.dimensions import roll_up

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000


@pytest.mark.parametrize(
    ("dimension", "value", "level", "expected"),
    [
        ("district", "110105", 1, "110000"),
        ("district", "110105", 2, "110100"),
        ("district", "110105", 3, "110105"),
        ("district", "110105001", 3, "110105"),
        ("district", "110105001003", 4, "110105001"),
        ("district", "110105001003", 5, "110105001003"),
        ("district", "110105", 4, "110105"),
        ("district", "north/harbour", 1, "north"),
        ("category", "water/leak/street", 2, "water/leak"),
        ("category", "water", 3, "water"),
        ("category", "123456", 1, "123456"),
        ("queue", "a/b", 0, "a/b"),
        ("district", "", 1, ""),
    ],
)
def test_roll_up(dimension: str, value: str, level: int, expected: str) -> None:
    assert roll_up(dimension, value, level) == expected


def visit(call: str, at: float, **fields: Any) -> list[dict[str, Any]]:
    told = {"hotline": "h", "source": "pbx", "queue": "q"}
    return [
        {"type": "queued", "time": T + round(at * S), "call": call} | told | fields,
        {"type": "answered", "time": T + round((at + 7) * S), "call": call} | told,
    ]


def test_every_set_sums_to_the_same_total() -> None:
    engine, dice = Engine(), random.Random(4)
    for number in range(200):
        fields = {
            "queue": dice.choice("ab"),
            "language": dice.choice(["zh", "en", ""]),
            "category": dice.choice(["water/leak/street", "water/bill", "roads", ""]),
            "district": dice.choice(["110105", "110108", "120101", ""]),
            "department": dice.choice(["d1", "d2"]),
            "channel": dice.choice(["phone", "web"]),
            "centre": dice.choice(["north", ""]),
        }
        engine.send(visit(f"c{number}", number, **fields), T + 250 * S)
    engine.tick(T + 300 * S)
    names = {cell.dimension_set for cell in engine.cells.values()}
    assert names == {"hotline", "source", *Settings(demo=True).cells.dimension_sets}
    totals = {
        name: {k: n for k, n in engine.total(name).items() if not k.startswith("calls_") and k not in RECORDS}
        for name in names
    }
    assert all(total == totals["queue"] for total in totals.values())
    assert totals["queue"]["answered"] == 200
    assert engine.total("category_2", category="water/leak") == engine.total("category_3", category="water/leak/street")
    assert engine.total("district_1", district="110000") != {}


RECORDS = {"events", "repeats"}


def test_values_beyond_the_cap_are_told_as_other_and_nothing_is_lost() -> None:
    settings = Settings(
        demo=True, cells=Cells(dimension_sets={"queue": ("queue",), "channel": ("channel",)}, most_values=3)
    )
    engine = Engine(settings)
    for number in range(40):
        engine.send(visit(f"c{number}", number, channel=f"channel-{number % 8}"), T + 60 * S)
    engine.restart()
    engine.send(visit("again", 41, channel="channel-7"), T + 60 * S)
    for second in range(60, 300, 10):
        engine.tick(T + second * S)
    shown = {cell.channel for cell in engine.cells.values() if cell.dimension_set == "channel" and cell.counts}
    assert len(shown) == 4
    assert OTHER in shown
    assert engine.total("channel")["answered"] == 41
    assert engine.total("channel", channel=OTHER)["answered"] == 41 - 3 * 5 - (0 if "channel-7" not in shown else 1)
    assert all(cell.final for cell in engine.cells.values())


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"queue": ("queue",), "x": ("colour",)}, "colour is no dimension"),
        ({"queue": ("queue",), "x": ("language/2",)}, "category and district have the levels"),
        ({"channel": ("channel",)}, "keep `queue"),
        ({"queue": ("queue",), "x": ("centre", "centre")}, "each once"),
        ({"queue": ("queue",), "source": ("source",)}, "always there"),
    ],
)
def test_a_dimension_set_that_cannot_be_is_refused(sets: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cells(dimension_sets=sets)


def test_settings_add_sets_to_the_defaults_and_leave_out_those_made_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CELLS__DIMENSION_SETS", '{"category_3": [], "served": ["served"]}')
    assert load().cells.dimension_sets.keys() == {*Cells().dimension_sets, "served"} - {"category_3"}
