"""A report on a sheet of paper: no head of a table broken within a word, nothing wider than the sheet."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from browser import Watched, in_a_browser, resize
from playwright.async_api import BrowserContext

from sinks.report.figures import Alert, Hour, Report, Span, Sums
from sinks.report.page import Page
from sinks.report.words import Language

pytestmark = in_a_browser

NOW = datetime(2026, 11, 15, 1, 0, tzinfo=UTC)
SUMS = Sums(12_345, 11_800, 480, 12_101, 11_800, 480, 13_001, 10_900, 20, 800, 86_415.0, 2_714_000.0)
SENTENCE = {
    "en": "Social security (Linjiang 12345): 61% of 150 calls answered within 15 s in the last 15 min, target 80%.",
    "zh": "临江市 12345 热线·社会保障：近 15 分钟 150 个来电中 61% 在 15 秒内接通，目标 80%；始于 10:05。",
}
NAMES: dict[str, dict[str, str]] = {
    "en": {"": "Linjiang 12345", "a": "Water, electricity, gas and heating: the seats of the day", "b": "Housing"},
    "zh": {"": "临江市 12345 热线", "a": "水电气热供应保障与应急抢修专席", "b": "住房物业"},
}
DEPARTMENTS = {
    "en": "Human resources and social security, labour inspection",
    "zh": "人力资源和社会保障局（劳动保障监察支队）",
}


def report(language: Language) -> Report:
    first, rules = date(2026, 11, 1), ("ServiceLevelUnderTarget", "AnswerRateBreachPredicted")
    days = {first + timedelta(days=day): SUMS for day in range(3)}
    span = Span("live", "12345", first, first + timedelta(days=2), "Asia/Shanghai")
    alerts = [Alert(rule, "warning", "a", NOW, NOW + timedelta(hours=1), "chen", 95.0, SENTENCE) for rule in rules]
    hours = [Hour(hour, 800, 20, 5, 810.0) for hour in range(24)]
    return Report(span, 15, 0.8, days, SUMS, {"a": SUMS, "b": SUMS}, {DEPARTMENTS[language]: SUMS}, hours, alerts)


BROKEN = """() => {
  const broken = [];
  for (const head of document.querySelectorAll('th')) {
    const text = head.firstChild, range = document.createRange();
    const line = (at) => { range.setStart(text, at); range.setEnd(text, at + 1); return range.getBoundingClientRect().top; };
    for (let at = 1; at < text.length; at++) {
      const both = text.data.slice(at - 1, at + 1);
      if (/^[\\p{L}\\p{N}]{2}$/u.test(both) && line(at) !== line(at - 1)) broken.push(`${text.data.slice(0, at)}|${text.data.slice(at)}`);
    }
  }
  return broken;
}"""
"""Heads with a line's end between two letters."""


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_on_paper_no_head_is_broken_within_a_word_and_all_is_on_the_sheet(
    context: BrowserContext, tmp_path: Path, language: Language
) -> None:
    file = tmp_path / "report.html"
    file.write_text(Page(report(language), NAMES[language], language).html(NOW), encoding="utf-8")
    watched = Watched(await context.new_page(), file.as_uri())
    page = watched.page
    await page.emulate_media(media="print")
    await resize(page, 680, 900)  # a sheet of A4 between its margins
    await page.goto(file.as_uri())
    assert await page.evaluate(BROKEN) == []
    wide = "[...document.querySelectorAll('table, svg')].filter((it) => it.getBoundingClientRect().right > innerWidth)"
    assert await page.evaluate(f"{wide}.map((it) => it.textContent.slice(0, 80))") == []
    assert (watched.complaints, watched.outside) == ([], [])
