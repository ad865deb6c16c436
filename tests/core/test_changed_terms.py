"""A threshold or a limit is changed and the processes started again: what is remembered is counted by what holds now."""

from typing import Any

import pytest
from engine import Engine

from deploy.runtime.settings import Hotline, Intake, Settings
from streams import call_book
from streams.processors import factory

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000


def ev(second: float, kind: str, call: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "time": T + round(second * S), "call": call, "hotline": "12345", "queue": "q", **fields}


def settings(thresholds_s: tuple[int, ...], short_s: int, lost_s: int = 7_200) -> Settings:
    return Settings(
        demo=True,
        hotlines={"12345": Hotline(thresholds_s=thresholds_s, short_abandon_s=short_s)},
        intake=Intake(lost_waiting_s=lost_s),
    )


BEFORE = [
    *(ev(at, "queued", f"a{at}") for at in range(5)),
    *(ev(at + 25, "answered", f"a{at}") for at in range(5)),
    *(ev(at, "queued", f"b{at}") for at in range(3)),
    *(ev(at + 4, "abandoned", f"b{at}") for at in range(3)),
    *(ev(at, "queued", f"w{at}") for at in range(2)),
]
AFTERWARDS = [
    *(ev(200 + at, "ended", f"a{at}", category="water/leak") for at in range(5)),
    *(ev(200, "rated", f"b{at}", category="water/bill", rating="1") for at in range(3)),
    ev(210, "answered", "w0", category="water/leak"),
]


def play(first: Settings, then: Settings, upto: int) -> Engine:
    engine = Engine(first)
    engine.send(BEFORE, T + 40 * S)
    engine.tick(T + 100 * S)
    engine._build = factory(then)
    engine.restart()
    engine.tick(T + 120 * S)
    engine.send(AFTERWARDS[:upto], T + 220 * S)
    engine.tick(T + 230 * S)
    return engine


@pytest.mark.parametrize("in_use", [2, call_book.IN_USE])
@pytest.mark.parametrize("upto", [0, len(AFTERWARDS)])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (settings((20,), 5), settings((30,), 5)),
        (settings((30,), 5), settings((20, 45), 5)),
        (settings((20,), 5), settings((20,), 2)),
        (settings((20,), 2), settings((20,), 5)),
        (settings((20,), 5), settings((20,), 5, lost_s=60)),
        (settings((20,), 5, lost_s=60), settings((20,), 5)),
    ],
)
def test_after_a_change_every_count_is_as_if_it_had_always_been_so(
    first: Settings, then: Settings, upto: int, in_use: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_book, "IN_USE", in_use)
    changed, always = play(first, then, upto), play(then, then, upto)

    assert changed.total("category_1")["offered"] == 10
    assert counts(changed) == counts(always)
    assert outcomes(changed) == outcomes(always)


def counts(engine: Engine) -> dict[Any, dict[str, int]]:
    of_cells = ((key, {name: n for name, n in cell.counts.items() if n}) for key, cell in engine.cells.items())
    return {key: counted for key, counted in of_cells if counted}


def outcomes(engine: Engine) -> dict[str, str]:
    return {visit.visit: visit.outcome for visit in engine.visits.values()}
