"""What `hotline alerts list` says of an alert."""

import pytest
from alert_kit import event

from deploy.cli.alerts import place_of


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "h q"),
        ({"queue": "", "labels": {}}, "h"),
        ({"queue": "", "category": "q", "labels": {"category": "q"}}, "h category=q"),
        ({"queue": "", "labels": {"category": "water", "district": "440305"}}, "h category=water district=440305"),
    ],
)
def test_a_category_called_like_a_queue_is_told_apart_from_it(about, said):
    assert place_of(event(**about)) == said
