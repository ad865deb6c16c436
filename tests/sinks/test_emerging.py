"""What more people call about than three weeks ago, and redials told apart from more callers."""

from datetime import date, datetime
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

import deploy.cli.clickhouse
import deploy.cli.terms
from deploy.cli.main import cli
from deploy.runtime.access import Filter, Grant
from deploy.runtime.settings import TermWords
from sinks.clickhouse.remade_terms import Remade, remake
from sinks.clickhouse.saved_queries import saved_queries
from sinks.clickhouse.terms import Terms
from sinks.web.people import person
from sinks.web.row_filters import as_setting, row_filters
from streams.contract import Visit

pytestmark = pytest.mark.clickhouse
DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
FIRST = int(datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


def visit(feed, number, at, caller, category="", *, outcome="answered", district="", subject="", text="", queue="q"):
    call = f"c{number}"
    return Visit(
        feed=feed, hotline="12345", visit=f"{call}/{queue}/1", call=call, queue=queue, caller=caller, category=category,
        district=district, subject=subject, text=text, arrived_at=at, queued_at=at, outcome=outcome, wait_ms=1_000, version=(1, 1),
        answered_at=at + 1_000 if outcome == "answered" else None, ended_at=at + 60_000,
    )  # fmt: skip


def three_weeks(feed):
    """24 days of ten callers about water and two about noise; on the last three days eight more about noise at night.

    One caller calls thirty times about a bill on the last day and never gets through; on the last two days the same
    person asks about water again after having been answered.
    """
    calls = []
    for day in range(24):
        start = FIRST + day * DAY
        calls += [(start + i * MINUTE, f"w{day}-{i}", "water/leak", {"district": "440305"}) for i in range(10)]
        calls += [(start + i * MINUTE, f"n{day}-{i}", "noise/dogs", {"district": "440303"}) for i in range(2)]
        if day >= 21:
            calls += [(start + i * MINUTE, f"x{day}-{i}", "noise/night", {"district": "440303"}) for i in range(8)]
        if day >= 22:
            calls += [(start + 2 * HOUR, "again", "water/leak", {"district": "440305"})]
        if day == 23:
            calls += [(start + 3 * HOUR + i * MINUTE, "redialer", "bill", {"outcome": "abandoned"}) for i in range(30)]
            calls += [(start + 3 * HOUR, "", "bill", {}) for _ in range(9)]
    return [visit(feed, n, at, caller, category, **more) for n, (at, caller, category, more) in enumerate(calls)]


def test_what_grows_is_first_and_what_one_person_dials_is_not_in_the_list(store, select, feed):
    store(*three_weeks(feed))
    rows = select(
        "SELECT * FROM v_emerging WHERE feed = {feed:String} AND day = '2026-03-24' ORDER BY place", feed=feed
    )
    values = {(row["dimension"], row["value"]): row for row in rows}
    noise = values["category", "noise"]
    # 42 of 504 caller-days of both levels in 21 days; in three days there are 120, the one who asks again and the bill's
    assert (noise["callers"], noise["caller_days"]) == (30, 30)
    assert noise["usual"] == pytest.approx(42.5 * 125 / 504)
    assert noise["times"] == pytest.approx(30 / noise["usual"])
    assert rows[0]["value"] in {"noise/night", "noise"}
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert ("category in district", "noise, 440303") in values
    assert not [key for key in values if key[1].startswith("bill")], "one caller and withheld numbers are no topic"
    water = values["category", "water/leak"]
    assert (water["callers"], water["caller_days"], water["repeat_calls"]) == (31, 32, 1)
    assert water["score"] < 0


def test_no_list_before_there_is_anything_to_compare_with(store, select, feed):
    store(*[it for it in three_weeks(feed) if it.queued_at < FIRST + 3 * DAY])
    assert select("SELECT * FROM v_emerging WHERE feed = {feed:String}", feed=feed) == []


def test_a_spike_of_redials_is_not_one_of_callers(store, select, feed):
    store(*three_weeks(feed))
    query = "SELECT * FROM v_attempts WHERE feed = {feed:String} AND day = '2026-03-24' ORDER BY quarter"
    first, again, *bills = select(query, feed=feed)
    assert (first["attempts"], first["callers"], first["redials"]) == (20, 20, 0)
    assert (again["attempts"], again["callers"], again["attempts_per_caller"]) == (1, 1, 1.0)
    assert [(row["attempts"], row["callers"], row["withheld"], row["redials"]) for row in bills] == [
        (24, 1, 9, 14),
        (15, 1, 0, 15),
    ]


MATTERS = [
    f"{place}{matter}，{english}"
    for place in ("小区", "学校", "医院", "公园", "车站")
    for matter in ("漏水", "停电", "扰民", "退款", "施工", "停车", "积水", "油烟")
    for english in ("leak", "noise", "refund", "parking", "delay", "permit")
]
BEYOND = 4  # deviations: what the saved query asks for


def quiet_weeks(feed, *, callers=40, seed=7):
    """24 days of calls with a text about one of 240 usual matters, as chance will have it."""
    random, number = Random(seed), count()
    return [
        visit(feed, next(number), FIRST + day * DAY + i * MINUTE, f"p{day}-{i}", text=random.choice(MATTERS))
        for day in range(24)
        for i in range(callers)
    ]


def late_calls(feed, callers, *, text, each=1, first="c", queue="q"):
    """Calls with a text, spread over the last two days: so many callers a day, `each` times."""
    number = count(100_000)
    return [
        visit(feed, f"{first}{next(number)}", FIRST + day * DAY + 2 * HOUR + i * MINUTE + n, f"{first}{day}-{i}", text=text, queue=queue)
        for day in (22, 23)
        for i in range(callers)
        for n in range(each)
    ]  # fmt: skip


@pytest.fixture
def terms(client):
    """The list of the last day as the saved query gives it, terms alone."""
    query = saved_queries()["emerging"]

    def terms_(feed, *, least=5, settings=None):
        parameters = {it.name: it.default for it in query.parameters} | {
            "feed": feed, "day": "2026-03-24", "dimension": "term", "least": least,
        }  # fmt: skip
        return list(client.query(query.sql, parameters, settings=settings).named_results())

    return terms_


def test_a_term_that_more_callers_use_is_first(store, terms, feed):
    store(
        *quiet_weeks(feed), *late_calls(feed, 9, text="自来水发黄 discoloured tap water, 电话13800138000, John Smith")
    )
    rows = terms(feed)
    assert {row["value"] for row in rows} == {"自来水", "发黄", "discoloured", "tap", "water"}
    assert {(row["callers"], row["caller_days"]) for row in rows} == {(18, 18)}
    assert all(row["score"] > BEYOND for row in rows)


@pytest.mark.parametrize("seed", range(5))
def test_of_quiet_weeks_no_term_is_far_enough_beyond_chance(store, select, terms, feed, seed):
    store(*quiet_weeks(feed, seed=seed))
    assert terms(feed) == []
    ranked = select("SELECT max(score) AS most, uniqExact(value) AS values FROM v_emerging WHERE feed = {feed:String} AND dimension = 'term'", feed=feed)  # fmt: skip
    assert (ranked[0]["most"] < BEYOND, ranked[0]["values"] > 15) == (True, True)


def test_a_term_of_few_callers_is_nowhere(store, select, feed):
    store(*quiet_weeks(feed), *late_calls(feed, 1, text="自来水发黄", each=40))
    found = select("SELECT value FROM v_emerging WHERE feed = {feed:String} AND value = '自来水'", feed=feed)
    assert found == [], "two callers are not three, however often they call"


def test_redials_make_no_term_louder(store, terms, feed):
    store(*quiet_weeks(feed), *late_calls(feed, 9, text="自来水发黄"))
    once = terms(feed)
    store(*late_calls(feed, 9, text="自来水发黄", each=10))
    again = terms(feed)
    told = ("value", "callers", "caller_days", "usual", "score")
    assert [[row[name] for name in told] for row in again] == [[row[name] for name in told] for row in once] != []


def test_the_text_that_holds_is_the_one_of_the_last_version(store, select, feed):
    its = visit(feed, 1, FIRST, "p", text="停水")
    store(its)
    its.text, its.version = "停电", (2, 2)
    store(its)
    its.text, its.version = "停气", (1, 5)
    store(its)
    assert select("SELECT terms FROM v_visits WHERE feed = {feed:String}", feed=feed) == [{"terms": ["停电"]}]


@pytest.mark.parametrize(
    "who",
    [
        ("admin", Filter(), True),
        ("analyst", Filter(queues=["q"]), True),
        ("analyst", Filter(queues=["another"]), False),
        ("viewer", Filter(), False),
    ],
)
def test_whoever_may_not_see_the_calls_sees_no_terms(store, terms, settings, feed, who):
    role, sees, found = who
    store(*quiet_weeks(feed), *late_calls(feed, 9, text="自来水发黄"))
    filters = as_setting(row_filters(person("x", Grant(role=role, sees=sees)), settings), settings.clickhouse.database)
    shown = terms(feed, settings={"additional_table_filters": filters, "readonly": 1})
    assert (["发黄", "自来水"] if found else []) == [row["value"] for row in shown]


def test_terms_of_what_is_stored_are_made_anew(store, client, select, feed):
    first, last = date(2026, 3, 1), date(2026, 3, 24)
    store(visit(feed, 1, FIRST, "p1", text="猴痘疫苗"), visit(feed, 2, FIRST + DAY, "p2", text="停水"))
    store(visit(feed, 3, FIRST + DAY, "p3"), visit(feed, 4, FIRST + 30 * DAY, "p4", text="猴痘"))
    before = select("SELECT * EXCEPT terms FROM v_visits WHERE feed = {feed:String} ORDER BY call", feed=feed)
    done = remake(client, Terms(["猴痘"]), first, last)
    assert done.changed >= 1
    query = "SELECT terms FROM v_visits WHERE feed = {feed:String} ORDER BY call"
    assert select(query, feed=feed) == [{"terms": [*them]} for them in (["猴痘", "疫苗"], ["停水"], [], [])]
    assert select("SELECT * EXCEPT terms FROM v_visits WHERE feed = {feed:String} ORDER BY call", feed=feed) == before
    assert remake(client, Terms(["猴痘"]), first, last) == Remade(done.looked_at, 0), "once more changes nothing"
    store(visit(feed, 2, FIRST + DAY, "p2", text="停水"))
    client.command("OPTIMIZE TABLE visits FINAL")
    assert select(query, feed=feed) == [{"terms": [*them]} for them in (["猴痘", "疫苗"], ["停水"], [], [])]


@pytest.fixture
def settings_say(settings, monkeypatch):
    """What `hotline terms` finds as settings."""

    def say(terms):
        told = settings.model_copy(update={"terms": terms})
        monkeypatch.setattr(deploy.cli.terms, "current", lambda: told)
        monkeypatch.setattr(deploy.cli.clickhouse, "current", lambda: told)
        monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)

    return say


def test_the_command_makes_terms_anew_by_the_words_of_the_settings(store, select, feed, settings_say, tmp_path):
    store(visit(feed, 1, FIRST, "p1", text="猴痘疫苗"))
    (tmp_path / "own.txt").write_text("猴痘\n", encoding="utf-8")
    settings_say(TermWords(dictionary=tmp_path / "own.txt"))
    done = CliRunner().invoke(cli, ["terms", "remake", "--from", "2026-03-01", "--to", "2026-03-01"])
    assert (done.exit_code, "with other terms now" in done.output) == (0, True), done.output
    assert select("SELECT terms FROM v_visits WHERE feed = {feed:String}", feed=feed) == [{"terms": ["猴痘", "疫苗"]}]
    refused = CliRunner().invoke(cli, ["terms", "remake", "--from", "2026-03-02", "--to", "2026-03-01"])
    assert refused.exit_code == 2
