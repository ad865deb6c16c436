"""Begun afresh with what the broker still keeps, the engine overwrites nothing that it cannot know whole.

`model/afresh.py`: two thirds of ten hours are told and stored; then old segments of input and bundles go, the topic of the
states is created again, and everybody starts. Afterwards the database says of the whole ten hours what the oracle says of
the whole input, also where it is gone, and nothing final was taken back on the way.
"""

from typing import Any
from unittest import mock
from unittest.mock import AsyncMock

import pytest

from deploy.runtime.worker import Worker
from model.afresh import afresh
from model.laws import BrokenError
from streams.lives import Lives
from streams.torn import Torn


def test_what_is_not_whole_any_more_stays_as_it_was_stored() -> None:
    outcome = afresh(1)
    assert outcome.differences == []
    assert outcome.compared["cells"] > 5_000


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_in_more_scenarios() -> None:
    assert {seed: outcome.differences for seed in range(10, 13) if (outcome := afresh(seed)).differences} == {}


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("of", "name", "gone"),
    [
        pytest.param(Torn, "live_from", 0, id="minutes that are not whole are told"),
        pytest.param(Torn, "whole", lambda *_: True, id="rows that are not whole are told"),
        pytest.param(Lives, "judge", lambda *_: "same", id="lives are not told apart"),
        pytest.param(Lives, "began", 0, id="minutes of the past are told before they are final"),
        pytest.param(
            Worker, "_untold", AsyncMock(return_value=True), id="whoever has no state holds himself the first"
        ),
    ],
)
def test_without_a_safeguard_something_differs(of: type, name: str, gone: Any) -> None:
    with mock.patch.object(of, name, gone):
        try:
            found = [line for seed in (1, 2) for line in afresh(seed).differences]
        except BrokenError as error:
            found = [str(error)]
    assert found
