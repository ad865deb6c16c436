"""The page of worked examples says what the engine answers."""

import examples
import pytest
import story


@pytest.mark.clickhouse
def test_every_example_gives_the_answer_that_stands_below_it(told: story.Told) -> None:
    page = examples.PAGE.read_text(encoding="utf-8")
    found = list(examples.EXAMPLE.finditer(page))
    assert len(found) > 12
    assert all("```text" in example.group() for example in found)
    assert examples.answered(told, page) == page
