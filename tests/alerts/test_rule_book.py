import asyncio

import pytest

from alerts import metrics
from alerts.rule_book import RuleBook
from alerts.rules_file import RulesError
from deploy.runtime.watched_file import watch

GOOD = "rules: [{name: A, signal: dead_feed}]"


def problems():
    return [sample.labels["problem"] for metric in metrics.RULES_PROBLEM.collect() for sample in metric.samples]


def test_a_changed_file_is_taken_in_and_a_bad_one_changes_nothing(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    book = RuleBook(path)
    names = book.by_name
    assert not book.reread()
    path.write_text("rules: [{name: B, signal: dead_fed}]", encoding="utf-8")
    assert not book.reread()
    assert list(names) == ["A"]
    assert "rule B: signal" in book.problem
    assert problems() == [book.problem.splitlines()[0]]
    path.unlink()
    assert not book.reread()
    assert "no such file" in book.problem
    path.write_text("rules: [{name: B, signal: dead_feed}]", encoding="utf-8")
    assert book.reread()
    assert (list(names), book.problem, problems()) == (["B"], "", [])


def test_a_file_that_cannot_be_used_at_the_start_is_refused(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("rules: 3", encoding="utf-8")
    with pytest.raises(RulesError):
        RuleBook(path)


async def test_the_file_is_watched(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    adopted = asyncio.Event()
    task = asyncio.create_task(watch(RuleBook(path).reread, adopted.set, every_s=0.01))
    path.write_text(GOOD.replace("A", "B"), encoding="utf-8")
    await asyncio.wait_for(adopted.wait(), 60)
    task.cancel()
