import asyncio

import pytest
import structlog.testing

from alerts import metrics, rule_book
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


def test_an_error_of_ours_in_reading_leaves_the_rules_that_hold_and_is_shown(tmp_path, monkeypatch):
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    book = RuleBook(path)
    path.write_text(GOOD.replace("A", "B"), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(rule_book, "load_rules", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            book.reread()
    assert (list(book.by_name), problems()) == (["A"], [book.problem])
    assert "an error in Hotline" in book.problem
    path.write_text(GOOD.replace("A", "C"), encoding="utf-8")
    assert book.reread()
    assert (list(book.by_name), problems()) == (["C"], [])


async def test_a_watched_file_that_was_stumbled_over_is_watched_still():
    answers, adopted = iter([False, None, True]), asyncio.Event()

    def reread():
        answer = next(answers, False)
        return 1 // 0 if answer is None else answer

    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(watch(reread, adopted.set, every_s=0.01))
        await asyncio.wait_for(adopted.wait(), 60)
        task.cancel()
    [line] = lines
    assert line["traceback"].endswith("ZeroDivisionError")


async def test_what_the_rules_are_adopted_by_may_end_the_process():
    def adopt():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(watch(lambda: True, adopt, every_s=0.01), 60)


async def test_the_file_is_watched(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    adopted = asyncio.Event()
    task = asyncio.create_task(watch(RuleBook(path).reread, adopted.set, every_s=0.01))
    path.write_text(GOOD.replace("A", "B"), encoding="utf-8")
    await asyncio.wait_for(adopted.wait(), 60)
    task.cancel()
