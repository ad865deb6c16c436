"""Begun afresh with what the broker still keeps, the engine overwrites nothing that it cannot know whole.

`model/afresh.py`: two thirds of ten hours are told and stored; then old segments of input and bundles go, the topic of the
states is created again, and everybody starts. Afterwards the database says of the whole ten hours what the oracle says of
the whole input, also where it is gone, and nothing final was taken back on the way.
"""

import pytest

from model.afresh import afresh


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_not_whole_any_more_stays_as_it_was_stored(seed: int) -> None:
    outcome = afresh(seed)
    assert outcome.differences == []
    assert outcome.compared["cells"] > 5_000


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_in_many_scenarios() -> None:
    assert {seed: outcome.differences for seed in range(10, 16) if (outcome := afresh(seed)).differences} == {}
