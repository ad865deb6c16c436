"""Each saved query against two days that the real engine counted, with the answer worked out by hand."""

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
import story
from click.testing import CliRunner

import deploy.cli.clickhouse
import deploy.cli.sql
from deploy.cli.main import cli
from deploy.runtime.settings import Hotline, Settings
from sinks.clickhouse.saved_queries import QueryError, Words, parse, saved_queries, values, words_of

SPAN = {"from": story.FIRST, "to": story.SPIKE}
THEN = {"day": story.SPIKE, "days_before": "1"}

# name -> parameters, columns, rows; times of the day are local
ANSWERS: dict[str, tuple[dict[str, str], tuple[str, ...], list[tuple[Any, ...]]]] = {
    "abandoned-after": (SPAN | {"queue": "water"}, ("from_s", "still_waiting", "gave_up"),
        [(0, 14, 1), (5, 12, 0), (15, 8, 1), (30, 5, 0), (60, 1, 1), (120, 0, 0), (300, 0, 0)]),
    "against-last-week": (THEN, ("queue", "visits", "visits_before", "service_level_before", "asa_before"),
        [("water", 12, 2, 1, 8.5), ("housing", 5, 2, 0.5, 10)]),
    "agents": (SPAN, ("agent", "answered", "transferred_out", "rating_mean"), [("ann", 9, 1, 3.5), ("bob", 5, 0, None)]),
    "alert-noise": (SPAN, ("firings", "quiet", "short", "places", "still_firing"), [(2, 1, 1, 1, 0)]),
    "alerts": (SPAN, ("queue", "fired", "lasted_s", "acknowledged_by", "to_acknowledge_s"),
        [("water", "2026-03-10 09:06:00.000", 1800, "chen", 45), ("water", "2026-03-10 10:00:00.000", 120, None, None)]),
    "came-back": (SPAN, ("queue", "abandoned", "withheld", "recovered", "lost"), [("water", 3, 0, 1, 2), ("housing", 1, 0, 0, 1)]),
    "completeness": (SPAN, ("source", "minutes", "heard", "first_silent_since"),
        [("pbx-2", 92, 30, "2026-03-10 01:29:00.000"), ("pbx-1", 92, 88, "2026-03-10 02:29:00.000")]),
    "district-answer-rate": (SPAN, ("district", "offered", "answered", "abandoned"),
        [("", 1, 0, 1), ("440303", 9, 6, 0), ("440305", 11, 8, 3)]),
    "emerging": ({"day": story.SPIKE}, ("value",), []),  # two days say nothing of three weeks: tests/sinks/test_emerging.py
    "handle-times": (SPAN, ("category", "answered", "att", "hold_s", "acw"),
        [("housing", 4, 160, 0, 7.5), ("water", 8, 108.75, 2.5, 0), ("", 1, 100, 0, 0), ("roads", 1, 100, 0, 0)]),
    "left-out": (SPAN, ("source", "reason", "events"), [("pbx-1", "late", 1), ("unnamed", "not_json", 1)]),
    "level-by-hour": (SPAN | {"queue": "water"}, ("hour", "visits", "in_threshold", "service_level_offered"), [(9, 14, 6, 6 / 14)]),
    "longest-waits": (SPAN | {"limit": "3"}, ("call", "queued", "wait_s", "outcome"),
        [("b8", "2026-03-10 09:06:00.000", 90, "abandoned"), ("a4", "2026-03-09 10:00:00.000", 70, "abandoned"),
         ("b5", "2026-03-10 09:02:50.000", 50, "answered")]),
    "not-through": (SPAN, ("hour", "inbound", "refused", "in_menu"), [(9, 19, 0, 0), (10, 4, 1, 1)]),
    "occupancy": (SPAN, ("queue", "hour", "busy_h", "available_h", "occupancy"),
        [(queue, 8, 1, 1, 0.5) for queue in ("", "housing", "water")]),
    "open-callbacks": (SPAN, ("call", "taken"), [("c4", "2026-03-10 09:50:30.000")]),
    "ratings": (SPAN, ("category", "answered", "ratings", "rating_mean", "low"),
        [("water", 8, 1, 2, 1), ("housing", 4, 1, 5, 0), ("", 1, 0, None, 0), ("roads", 1, 0, None, 0)]),
    "redials": (THEN, ("quarter", "attempts", "callers", "redials", "attempts_before", "callers_before"),
        [("2026-03-10 01:00:00.000", 9, 8, 1, 2, 2), ("2026-03-10 01:30:00.000", 3, 2, 0, 0, 0), ("2026-03-10 01:45:00.000", 2, 2, 0, 0, 0),
         ("2026-03-10 02:00:00.000", 2, 0, 0, 1, 1), ("2026-03-10 02:15:00.000", 1, 1, 0, 0, 0)]),
    "reclassified": (SPAN, ("category_counted", "category", "visits"), [("water/leak", "roads/pipes", 1)]),
    "repeat-callers": (SPAN, ("category", "calls", "callers", "repeat_callers", "repeat_calls"),
        [("water", 10, 8, 1, 1), ("", 3, 3, 0, 0), ("housing", 4, 4, 0, 0), ("roads", 1, 1, 0, 0)]),
    "spike": (THEN | {"hour_from": "9", "hour_to": "10", "limit": "3"}, ("dimension", "value", "visits", "before", "more"),
        [("source", "pbx-1", 16, 3, 13), ("queue", "water", 12, 2, 10), ("district", "440305", 10, 1, 9)]),
    "transfers": (SPAN, ("from_queue", "to_queue", "how", "visits", "answered_there", "wait_there_s"),
        [("housing", "water", "flow_out", 1, 1, 12), ("housing", "water", "transfer", 1, 1, 30)]),
    "unlike-forecast": (SPAN | {"queue": "water"}, ("begin", "offered", "beyond"), [("2026-03-10 09:00:00.000", 9, 6)]),
    "worst-24h": (SPAN, ("day", "window_begin", "answered", "inbound"), [("2026-03-10", "2026-03-09 10:12:00.000", 10, 18)]),
    "worst-quarters": (SPAN | {"least": "3"}, ("queue", "quarter", "visits", "in_threshold", "gave_up"),
        [("water", "2026-03-10 09:00:00", 9, 2, 3), ("water", "2026-03-10 09:30:00", 3, 2, 0)]),
}  # fmt: skip


@pytest.fixture
def ask(told, monkeypatch):
    """`hotline sql` with these settings."""
    for module in (deploy.cli.clickhouse, deploy.cli.sql):
        monkeypatch.setattr(module, "current", lambda: told.settings)
    monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)

    def ask_(*args):
        return CliRunner().invoke(cli, ["sql", *args])

    return ask_


def test_there_are_at_least_twenty_each_with_its_answer_here():
    assert len(saved_queries()) >= 20
    assert ANSWERS.keys() == saved_queries().keys()


@pytest.mark.clickhouse
@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_saved_query_gives_the_answer_worked_out_by_hand(told, ask, name):
    parameters, columns, expected = ANSWERS[name]
    given = [part for key, value in parameters.items() for part in ("--param", f"{key}={value}")]
    result = ask("--run", name, "--format", "json", *given)
    assert result.exit_code == 0, result.stderr
    rows = [tuple(row[column] for column in columns) for row in json.loads(result.stdout)]
    assert rows == [
        tuple(pytest.approx(value) if isinstance(value, float) else value for value in row) for row in expected
    ]


@pytest.mark.clickhouse
def test_every_query_runs_with_nothing_told(told, ask):
    for name in saved_queries():
        result = ask("--run", name, "--format", "csv")
        assert (result.exit_code, result.stderr) == (0, ""), name


@pytest.mark.clickhouse
def test_one_row_is_the_same_as_table_csv_and_json(told, ask):
    given = ("--run", "open-callbacks", *(part for k, v in SPAN.items() for part in ("-p", f"{k}={v}")))
    [as_json] = json.loads(ask(*given, "--format", "json").stdout)
    [as_csv] = csv.DictReader(io.StringIO(ask(*given, "--format", "csv").stdout))
    assert {name: str(value) for name, value in as_json.items()} == as_csv
    table = ask(*given).stdout
    assert all(str(value) in table for value in (as_json["caller"], as_json["taken"], "┌"))


@pytest.mark.clickhouse
def test_a_value_is_never_part_of_the_query(told, ask):
    result = ask("--run", "longest-waits", "-p", "queue=' OR 1=1 --", "--format", "json", "-p", f"from={story.FIRST}")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    refused = ask("--run", "longest-waits", "-p", "limit=1; DROP TABLE visits")
    assert (refused.exit_code, "limit" in refused.stderr) == (1, True)
    own = ask("SELECT {word:String} AS word", "-p", "word=it's", "--format", "csv")
    assert own.stdout.splitlines() == ['"word"', '"it\'s"']


def test_the_list_names_each_in_both_languages(ask):
    lines = ask("--list").stdout.splitlines()
    for query in saved_queries().values():
        assert any(line.startswith(query.name) and query.titles["zh"] in line for line in lines)
    rows = json.loads(ask("--list", "--format", "json").stdout)
    assert {row["name"] for row in rows} == saved_queries().keys()


def test_show_says_what_may_be_set_and_the_sql(ask):
    shown = ask("--show", "spike").stdout
    assert "--param days_before=7" in shown
    assert "FROM v_visits" in shown


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--run", "nonsense"), "--list"),
        (("--run", "spike", "-p", "queue=x"), "there are feed"),
        (("--run", "spike", "-p", "day"), "name=value"),
        (("--run", "spike", "SELECT 1"), "choose one"),
    ],
)
def test_what_cannot_be_asked_says_what_can(ask, args, says):
    result = ask(*args)
    assert result.exit_code == 2
    assert says in result.stderr


def test_words_are_local_to_the_hotline():
    words = Words(date(2026, 3, 10), "Asia/Shanghai", 15)
    told = [words.read(text) for text in ("today", "today-7", "month", "zone", "threshold", "2026-01-01", "")]
    assert told == ["2026-03-10", "2026-03-03", "2026-03-01", "Asia/Shanghai", "15", "2026-01-01", ""]
    settings = Settings(hotlines={"far": Hotline(time_zone="Pacific/Kiritimati", thresholds_s=(30,))})
    assert words_of(settings, "far", datetime(2026, 3, 9, 12, tzinfo=UTC)) == Words(
        date(2026, 3, 10), "Pacific/Kiritimati", 30
    )


def test_a_header_that_does_not_fit_its_query_is_refused():
    with pytest.raises(QueryError, match="the query uses"):
        parse("x", "-- Title?\n-- 标题？\n-- @from = : first day\nSELECT {to:Date}")
    query = parse("x", "-- Title?\n-- 标题？\n-- @to = month : last day\nSELECT {to:Date}")
    assert values(query, {}, Words(date(2026, 3, 10), "UTC", 15)) == {"to": "2026-03-01"}
