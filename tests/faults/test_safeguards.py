"""A scenario finds it when a safeguard is gone; `make safeguards` takes each away in turn (`model/safeguards.py`)."""

import pytest

from model.many import judged
from model.safeguards import SAFEGUARDS, found_without


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("the commit runs ahead of the checkpoint, and is resumed at", 0),
        ("lateness is judged by wall clock", 0),
        ("cells are final without waiting for a partition", 1),
    ],
)
def test_a_safeguard_that_is_gone_is_missed(name: str, seed: int) -> None:
    safeguard = SAFEGUARDS[name]
    assert found_without(safeguard, seed)
    assert judged(seed, safeguard.weather).differences == []
